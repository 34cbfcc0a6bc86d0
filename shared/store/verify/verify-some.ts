import type { StoreLocation } from '../open.ts'
import { Differences, type Difference } from './differences.ts'
import { paceOf } from './pace.ts'
import { verifyAccounts, type AccountCounts, type AccountPlace } from './verify-accounts.ts'
import { openVerifyingReader } from './verifying-reader.ts'

/** Short reads: on a SQLite file they hold up the process that posts. */
const entriesPerRead = 1000

/** As much rest as work. */
const restPerWork = 1

/** What was looked at of some accounts, what is wrong with them, and how far it came if that was not to the end. */
export interface SomeVerified extends AccountCounts {
  readonly differenceCount: number
  readonly differences: readonly Difference[]
  readonly place?: AccountPlace
}

/**
 * Verifies the accounts of a ledger, one of them or all, for as long as it may take; from where an earlier call ended. What it finds is
 * what `verifyStore` finds of accounts. Rejects when the store cannot be read.
 */
export async function verifySome(
  location: StoreLocation,
  ledgerId: number,
  wish: {
    readonly only?: string | undefined
    readonly from?: AccountPlace | undefined
    readonly timeMs: number
    readonly entriesPerRead?: number
  },
): Promise<SomeVerified> {
  const over = performance.now() + wish.timeMs
  const differences = new Differences()
  const reader = openVerifyingReader(location)
  try {
    const walked = await verifyAccounts(reader, ledgerId, differences, paceOf(restPerWork), {
      entriesPerRead,
      ...wish,
      isOver: () => performance.now() > over,
    })
    return { ...walked, differenceCount: differences.count, differences: differences.named }
  } finally {
    await reader.close()
  }
}
