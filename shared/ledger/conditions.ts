import { availableOf, type LockedAccount } from './account.ts'
import { decimalsOf, formatMinorUnits, parseDecimal } from './money.ts'
import { refuse, type Refusal } from './refusal.ts'
import type { Condition } from './special-wish.ts'

/**
 * The first condition that the accounts, as they stand under the lock, do not meet; within a condition `available` is judged
 * before `version`. The accounts are there. Pure.
 */
export function firstConditionFailed(
  require: readonly Condition[],
  accounts: ReadonlyMap<string, LockedAccount>,
): Refusal | undefined {
  for (const [position, condition] of require.entries()) {
    const account = accounts.get(condition.accountId)
    if (account === undefined) throw new Error('a condition names an account that nobody locked')
    const actual = firstFailing(condition, account)
    if (actual === undefined) continue
    return refuse('condition_failed', { position, account_id: account.id, ...actual })
  }
  return undefined
}

function firstFailing(
  { availableGte, version }: Condition,
  account: LockedAccount,
): { condition: 'available' | 'version'; actual: string | number } | undefined {
  if (availableGte !== null && isLessAvailable(account, availableGte)) {
    const available = availableOf(account.accountType, account)
    return { condition: 'available', actual: formatMinorUnits(available, account.exponent) }
  }
  if (version !== null && account.version !== version) {
    return { condition: 'version', actual: account.version }
  }
  return undefined
}

/** Compares at the finer of the two scales: `"10.005"` is more than any amount up to 10.00 USD. */
function isLessAvailable(account: LockedAccount, least: string): boolean {
  const scale = Math.max(account.exponent, decimalsOf(least))
  const available = availableOf(account.accountType, account)
  return available * 10n ** BigInt(scale - account.exponent) < parseDecimal(least, scale)
}
