import type { TransactionStatus } from '../../ledger/transaction.ts'
import type { StoreLocation } from '../open.ts'
import { Differences, type Difference } from './differences.ts'
import { paceOf } from './pace.ts'
import { verifyAnchors, type KeptAnchor } from './verify-anchors.ts'
import { verifyAccounts } from './verify-accounts.ts'
import { verifyDatedEntries } from './verify-dated-entries.ts'
import { verifyEvents, type EventEvidence } from './verify-events.ts'
import { verifyHolds } from './verify-holds.ts'
import { verifyLedgers } from './verify-ledgers.ts'
import { verifyQueue } from './verify-queue.ts'
import { usualCut, verifyTotals, type Cut, type CurrencyTotals } from './verify-totals.ts'
import { verifyTransactions, type Sides } from './verify-transactions.ts'
import { openVerifyingReader, type VerifyingReader } from './verifying-reader.ts'

/** What was looked at in one ledger. */
export interface LedgerEvidence {
  readonly ledgerId: number
  readonly accounts: number
  /** Entries found along the accounts, and along the transactions: the same number when nothing is posted meanwhile. */
  readonly entriesOfAccounts: number
  /** Of these, those without a hash. */
  readonly unchained: number
  readonly entriesOfTransactions: number
  readonly transactions: Readonly<Record<TransactionStatus, number>>
  readonly queued: number
  /** Holds that have not ended. */
  readonly openHolds: number
  /** What is told of it. */
  readonly told: EventEvidence
  /** Anchors over the accounts. */
  readonly anchors: number
  /** What all accounts of a currency hold together, at one instant. */
  readonly totals: readonly CurrencyTotals[]
  /** What the posted transactions moved, by currency. */
  readonly moved: ReadonlyMap<string, Readonly<Sides>>
}

/** What a verification found. `differences` names a hundred at most; `differenceCount` counts all. */
export interface VerificationReport {
  readonly clean: boolean
  readonly differenceCount: number
  readonly differences: readonly Difference[]
  readonly ledgers: readonly LedgerEvidence[]
  readonly tookMs: number
}

export interface VerificationOptions {
  /** How long it rests for each unit of work, to leave the machine to a service beside it. Default 0: never. */
  readonly restPerWork?: number
  /** How the totals over all accounts are taken. Default: `usualCut`. */
  readonly cut?: Cut
  /** Anchors that somebody kept outside of the database: they must be in it as they were. */
  readonly kept?: readonly KeptAnchor[]
}

/**
 * Recomputes what the ledger promises of its books from entries alone, knowing nothing of how they were posted: debits
 * equal credits over each currency and in every transaction, every account is the sum of its gap-free
 * entries, what is held on it is what its open holds have left, and what is captured or reversed of a transaction is what its captures
 * and reversals moved; and that its events agree with its transactions. All ledgers of the store.
 *
 * May run beside a service that posts: it reads in short pieces, holds no lock and no snapshot, and needs memory for a
 * few thousand rows. Rejects when the store cannot be read.
 */
export async function verifyStore(
  location: StoreLocation,
  options: VerificationOptions = {},
): Promise<VerificationReport> {
  const began = performance.now()
  const reader = openVerifyingReader(location)
  const differences = new Differences()
  try {
    const ledgers: LedgerEvidence[] = []
    for (const ledgerId of await verifyLedgers(reader, differences)) {
      ledgers.push(await verifyLedger(reader, ledgerId, differences, options))
    }
    return {
      clean: differences.count === 0,
      differenceCount: differences.count,
      differences: differences.named,
      ledgers,
      tookMs: performance.now() - began,
    }
  } finally {
    await reader.close()
  }
}

/** Accounts come before transactions: what a walk along the accounts has seen, the one along the transactions sees. */
async function verifyLedger(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  { restPerWork = 0, cut = usualCut, kept = [] }: VerificationOptions,
): Promise<LedgerEvidence> {
  const pace = paceOf(restPerWork)
  const totals = await verifyTotals(reader, ledgerId, differences, { pace, cut })
  const accounts = await verifyAccounts(reader, ledgerId, differences, pace)
  const transactions = await verifyTransactions(reader, ledgerId, differences, pace)
  await verifyDatedEntries(reader, ledgerId, differences, pace)
  return {
    ledgerId,
    accounts: accounts.accounts,
    entriesOfAccounts: accounts.entries,
    unchained: accounts.unchained,
    entriesOfTransactions: transactions.entries,
    transactions: transactions.byStatus,
    queued: await verifyQueue(reader, ledgerId, differences, pace),
    openHolds: await verifyHolds(reader, ledgerId, differences, pace),
    told: await verifyEvents(reader, ledgerId, differences, { pace }),
    anchors: await verifyAnchors(reader, ledgerId, differences, { pace, kept }),
    totals,
    moved: transactions.sums,
  }
}
