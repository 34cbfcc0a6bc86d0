import { directions } from '../../ledger/account.ts'
import { chainStart, entryHash, type EntryContent } from '../../engine/entry-chain.ts'
import { chainHashOf, hex, time, type Row } from '../rows.ts'

/** The most entries of a transaction: what a position can have been. */
const positionsMax = 1000

/** An entry whose hash is not that of its columns, until the next one tells which of the two was changed. */
interface Suspect {
  readonly version: number
  /** The hash that its columns have. */
  readonly made: string
  readonly detail: string
}

/**
 * Follows the hashes of one account's entries in the order of their versions, and remembers what is wrong with the first one that does
 * not fit. Each is held against the stored hash before it, so that one wrong entry does not make all behind it wrong.
 */
export class HashChain {
  readonly #ledgerId: number
  readonly #accountId: string
  #previous: string | null = null
  #version = 0
  #suspect: Suspect | undefined
  #fault: string | undefined
  /** How many entries have no hash: they were posted by a version of the service that made none. */
  unchained = 0

  constructor(ledgerId: number, accountId: string) {
    this.#ledgerId = ledgerId
    this.#accountId = accountId
  }

  /** The first fault, once there is one. */
  get fault(): string | undefined {
    return this.#fault
  }

  /**
   * Adds the next entry: its row, with the fingerprint of its transaction. `likely` gives what its columns must have been if they follow
   * from others, so that a changed one can be named.
   */
  add(row: Row, likely: () => Partial<EntryContent>): void {
    const version = Number(row['account_version'])
    const hash = hex(row['hash'])
    const content = contentOf(row)
    const former = this.#previous ?? chainStart(this.#ledgerId, this.#accountId, version - 1)
    this.#previous = hash
    this.#version = version
    if (hash === null) {
      this.unchained += 1
      this.#convict()
      return
    }
    const made = entryHash(former, content)
    if (made === hash) {
      this.#convict()
    } else if (this.#suspect !== undefined && entryHash(this.#suspect.made, content) === hash) {
      this.#convict(`the hash of entry ${this.#suspect.version} was changed`)
    } else {
      this.#convict()
      this.#suspect = { version, made, detail: explain(former, content, hash, likely()) }
    }
  }

  /** Goes on behind an entry, by its row. */
  resume(row: Row): void {
    this.#version = Number(row['account_version'])
    this.#previous = hex(row['hash'])
  }

  /** Ends before the last entry. */
  pause(): void {
    this.#convict()
  }

  /** Ends with the account's row: the head that it keeps must be the hash of the last entry. */
  end(account: Row): void {
    const head = chainHashOf(account)
    const { made, version } = this.#suspect ?? {}
    if (made !== undefined && made === head) {
      this.#convict(`the hash of entry ${version} was changed`)
    } else {
      this.#convict()
      if (head !== this.#previous) {
        this.#fault ??= `its chain_hash is not the hash of its last entry ${this.#version}`
      }
    }
  }

  #convict(detail = this.#suspect?.detail): void {
    this.#suspect = undefined
    this.#fault ??= detail
  }
}

/** The columns as the database names them. */
const columns = {
  accountVersion: 'account_version',
  transactionId: 'transaction_id',
  position: 'position',
  direction: 'direction',
  amount: 'amount',
  balanceAfter: 'balance_after',
  debitsAfter: 'debits_after',
  postedAt: 'posted_at',
  fingerprint: 'fingerprint',
} satisfies Record<keyof EntryContent, string>

/** Names the one column that restores the hash with the value that it must have had. */
function explain(
  former: string,
  content: EntryContent,
  hash: string,
  likely: Partial<EntryContent>,
): string {
  const { accountVersion: version } = content
  for (const [name, value] of candidates(likely)) {
    if (entryHash(former, { ...content, [name]: value }) !== hash) continue
    return `entry ${version} was changed: ${columns[name]} was ${value}, not ${content[name]}`
  }
  return (
    `entry ${version} does not continue the chain from the entry before it: its transaction_id, its transaction's fingerprint ` +
    'or several columns were changed, or it was put there, or one before it was removed'
  )
}

function* candidates(
  likely: Partial<EntryContent>,
): Generator<[keyof EntryContent, EntryContent[keyof EntryContent]]> {
  for (const name of Object.keys(likely) as (keyof EntryContent)[])
    yield [name, likely[name] ?? null]
  for (const direction of directions) yield ['direction', direction]
  for (let position = 0; position < positionsMax; position += 1) yield ['position', position]
}

function contentOf(row: Row): EntryContent {
  return {
    accountVersion: Number(row['account_version']),
    transactionId: row['transaction_id'] as string,
    position: Number(row['position']),
    direction: row['direction'] as string,
    amount: row['amount'] as string,
    balanceAfter: row['balance_after'] as string,
    debitsAfter: row['debits_after'] as string,
    postedAt: time(row['posted_at']),
    fingerprint: hex(row['fingerprint']),
  }
}
