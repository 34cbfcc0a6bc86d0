import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import type { CursorScope } from '../../shared/wire/cursor.ts'

const secrets = new WeakMap<LedgerStore, Map<number, Buffer>>()

/** What the cursors of one list with one set of filters are bound to. A ledger's secret is read once a process. */
export async function cursorScope(
  store: LedgerStore,
  ledgerId: number,
  list: string,
  filter: object,
): Promise<CursorScope> {
  return { secret: await secretOf(store, ledgerId), list, filter }
}

async function secretOf(store: LedgerStore, ledgerId: number): Promise<Buffer> {
  const known = secrets.get(store) ?? new Map<number, Buffer>()
  secrets.set(store, known)
  const kept = known.get(ledgerId)
  if (kept !== undefined) return kept
  const secret = await store.cursorSecret(ledgerId)
  if (secret === undefined) throw new Error('a ledger without a row was asked for a cursor')
  known.set(ledgerId, secret)
  return secret
}
