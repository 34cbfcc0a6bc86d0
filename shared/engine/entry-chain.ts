import { hash } from 'node:crypto'
import type { LockedAccount } from '../ledger/account.ts'
import type { PostedEntry } from '../ledger/decide.ts'
import type { TransactionRecord } from './transaction-record.ts'

/**
 * What the hash of an entry covers besides the hash before it: all columns of its row but `follows_version`, which follows from the others, and
 * what its transaction asked for.
 */
export interface EntryContent {
  readonly accountVersion: number
  readonly transactionId: string
  readonly position: number
  readonly direction: string
  readonly amount: string | bigint
  readonly balanceAfter: string | bigint
  readonly debitsAfter: string | bigint
  /** Ms since 1970. */
  readonly postedAt: number | null
  /** The fingerprint of its transaction, in hex. */
  readonly fingerprint: string | null
}

/** The transaction with the greatest id among those posted to an account, and the version of its last entry there. */
export interface NewestTransaction {
  readonly id: string
  readonly version: number
}

/** An account that its caller has locked, with the end of its chain. The decision knows nothing of that. */
export interface ChainedAccount extends LockedAccount {
  /** The hash of its newest entry, in hex; null where that entry has none, or there is no entry. */
  readonly chainHash: string | null
  /** Null where no entry was posted by a version of this service that follows it. */
  readonly newestTransaction: NewestTransaction | null
}

/** How an entry is joined to those before it in its account. */
export interface EntryLink {
  /** In hex. */
  readonly hash: string
  /**
   * The version of the entry that comes before it in the order of the transactions' ids, 0 if there is none; null for a late one, whose
   * transaction has a smaller id than one before it. Who lists an account's transactions by their ids follows it from entry to entry.
   */
  readonly followsVersion: number | null
}

/** Where an account's next entry is joined to. */
export interface ChainHead {
  readonly hash: string
  readonly newest: NewestTransaction | null
}

/** The links of a batch's entries, by transaction and position, and the heads of the accounts behind it. */
export interface EntryChain {
  readonly links: ReadonlyMap<string, readonly EntryLink[]>
  readonly heads: ReadonlyMap<string, ChainHead>
}

/**
 * What an account's chain begins with: its ledger and id, which all hashes behind it therefore cover, and the version before its
 * first entry that has a hash. That is 0, unless a version of this service that made no hashes has posted to it.
 */
export function chainStart(ledgerId: number, accountId: string, version: number): string {
  return hash('sha256', `ledgerflow entries 1 ${ledgerId} ${accountId} ${version}`, 'hex')
}

/**
 * The hash of an entry, from that of the entry before it in its account: SHA-256, 0.4 µs. The text that is hashed consists of ids, digits
 * and words, none of which has the blank that stands between two.
 */
export function entryHash(previous: string, entry: EntryContent): string {
  return hash(
    'sha256',
    `${previous} ${entry.accountVersion} ${entry.transactionId} ${entry.position} ${entry.direction} ${entry.amount} ${entry.balanceAfter} ${entry.debitsAfter} ${entry.postedAt} ${entry.fingerprint}`,
    'hex',
  )
}

/**
 * Chains the entries of a batch, each to the one before it in its account, beginning with the heads of the locked accounts. Pure. The
 * transactions come in the order in which they were decided, so that an account's entries come in that of its versions.
 */
export function chainEntries(
  transactions: readonly TransactionRecord[],
  accounts: ReadonlyMap<string, ChainedAccount>,
): EntryChain {
  const links = new Map<string, readonly EntryLink[]>()
  const heads = new Map<string, ChainHead>()
  for (const { ledgerId, id, entries, postedAt, fingerprint } of transactions) {
    if (entries.length === 0) continue
    const ofEntries: EntryLink[] = []
    for (const entry of entries) {
      const before = heads.get(entry.accountId) ?? headOf(ledgerId, entry, accounts)
      const made = entryHash(before.hash, {
        accountVersion: entry.accountVersion,
        transactionId: id,
        position: ofEntries.length,
        direction: entry.direction,
        amount: entry.amount,
        balanceAfter: entry.balanceAfter,
        debitsAfter: entry.debitsAfter,
        postedAt,
        fingerprint,
      })
      const { newest } = before
      const isLate = newest !== null && id < newest.id
      ofEntries.push({ hash: made, followsVersion: isLate ? null : (newest?.version ?? 0) })
      heads.set(entry.accountId, {
        hash: made,
        newest: isLate ? newest : { id, version: entry.accountVersion },
      })
    }
    links.set(id, ofEntries)
  }
  return { links, heads }
}

/** What the first entry that a batch adds to an account is chained to. */
function headOf(
  ledgerId: number,
  { accountId, accountVersion }: PostedEntry,
  accounts: ReadonlyMap<string, ChainedAccount>,
): ChainHead {
  const account = accounts.get(accountId)
  if (account?.version !== accountVersion - 1) {
    throw new Error('an entry does not follow the newest one of its account')
  }
  const hash = account.chainHash ?? chainStart(ledgerId, accountId, account.version)
  return { hash, newest: account.newestTransaction }
}

/** The link of an entry of this batch, which must have been chained. */
export function linkOf(
  links: EntryChain['links'],
  transactionId: string,
  position: number,
): EntryLink {
  const made = links.get(transactionId)?.[position]
  if (made === undefined) throw new Error('an entry was not chained')
  return made
}
