import { newKey } from '../../shared/access/api-key.ts'
import type { Role } from '../../shared/access/role.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'

/** Makes a key that is good for an hour; without a ledger, for all of them. */
export async function makeKey(
  store: Pick<LedgerStore, 'apiKeys'>,
  role: Role,
  ledgerId: number | null = null,
): Promise<string> {
  const made = newKey()
  const now = Date.now()
  const wish = { name: null, role, ledgerId, expiresAt: now + 3_600_000 }
  await store.apiKeys.add(made, wish, now)
  return made.key
}

/** The header that shows a key or a token. */
export function showing(credential: string): { readonly authorization: string } {
  return { authorization: `Bearer ${credential}` }
}
