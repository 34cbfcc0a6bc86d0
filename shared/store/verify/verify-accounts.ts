import type { EntryContent } from '../../engine/entry-chain.ts'
import { balanceOf, normalSides, type AccountType, type Direction } from '../../ledger/account.ts'
import { creditsAfter } from '../../ledger/decide.ts'
import { minorUnits } from '../../ledger/money.ts'
import type { Statement } from '../reader.ts'
import { hex, time, type Row } from '../rows.ts'
import type { Differences } from './differences.ts'
import { HashChain } from './hash-chain.ts'
import { IdOrder } from './id-order.ts'
import type { Pace } from './pace.ts'
import { wholeNumber } from './whole-number.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** Rows of one short read: a few milliseconds each, so that no snapshot lasts. */
const accountsPerRead = 500
const usualEntriesPerRead = 5000

/** What an account's entries must add up to: the account as one short read found it. */
interface Cut {
  readonly id: string
  readonly accountType: AccountType
  readonly version: number
  readonly row: Row
}

/** How many accounts and entries were looked at, and how many of the entries have no hash. */
export interface AccountCounts {
  accounts: number
  entries: number
  unchained: number
}

/** The newest anchor that an account is in, through `anchored_heads_account`, which alone has this order. */
const newestAnchor = `(select n.anchor from anchored_heads n
                        where n.ledger_id = a.ledger_id and n.account_id = a.id
                        order by n.account_id desc, n.anchor desc limit 1)`

/**
 * One page of accounts, each with its head in the newest anchor and an entry beyond its version if there are any, which one statement
 * sees at one instant. Through `accounts_pkey`, and for each account a probe of `entries_pkey`, `anchored_heads_account` and
 * `anchored_heads_pkey`. No lock.
 */
const cutPage = (reader: VerifyingReader): Statement => ({
  name: 'verify_accounts',
  text: `select a.id, a.account_type, a.version, a.posted_debits, a.posted_credits, a.last_posted_at,
                a.chain_hash, a.chain_version, a.newest_transaction_id, a.newest_transaction_version,
                h.anchor, h.account_version as anchored_version, h.hash as anchored_hash,
                (select e.account_version from entries e
                  where e.ledger_id = a.ledger_id and e.account_id = a.id
                    and e.account_version > a.version limit 1) as beyond
           from accounts a
           ${reader.probe('anchored_heads', 'h', `h.ledger_id = a.ledger_id and h.account_id = a.id and h.anchor = ${newestAnchor}`)}
          where a.ledger_id = $1 and a.id >= $3 and a.id <= $4
          order by a.id limit $2`,
})

/** One entry, through `entries_pkey`. No lock. */
const entryAt: Statement = {
  name: 'verify_entry',
  text: `select * from entries where ledger_id = $1 and account_id = $2 and account_version = $3`,
}

/**
 * Entries in the order of their accounts and versions, through `entries_pkey`, each with what is hashed of its transaction, through
 * `transactions_pkey`. No lock.
 */
const entryWalk = (reader: VerifyingReader): Statement => ({
  name: 'verify_entries_of_accounts',
  text: `select e.account_id, e.account_version, e.transaction_id, e.position, e.direction, e.amount,
                e.balance_after, e.debits_after, e.posted_at, e.hash, e.follows_version, t.fingerprint,
                t.posted_at as transaction_posted_at
           from entries e
           ${reader.probe('transactions', 't', 't.ledger_id = $1 and t.id = e.transaction_id')}
          where e.ledger_id = $1 and (e.account_id, e.account_version) > ($2, $3)
            and e.account_id <= $4
          order by e.account_id, e.account_version limit $5`,
})

/** Which accounts are looked at. */
export interface AccountSpan {
  /** How far an earlier walk came: it goes on from there. */
  readonly from?: AccountPlace | undefined
  /** The one account that is meant; undefined for all from there on. */
  readonly only?: string | undefined
  readonly entriesPerRead?: number
  /** Asked between two reads: true ends the walk where it is. */
  readonly isOver?: () => boolean
}

/** How far a walk has come: with all accounts before this one, and with this one's entries up to a version. */
export interface AccountPlace {
  readonly accountId: string
  readonly version: number
}

const firstId = '00000000-0000-0000-0000-000000000000'
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/** The version of an account of which nothing is left to look at. */
const wholeAccount = Number.MAX_SAFE_INTEGER

/**
 * Recomputes the accounts of a ledger from their entries: versions without gaps, running totals, stored totals, hashes. Gives how much
 * it looked at and, where it was ended before it was done, how far it came.
 *
 * Nothing holds still for it. Entries never change and versions have no gaps, so a short read of some account rows
 * fixes how far each account is looked at, and its entries up to there can be read at leisure; later ones are
 * left for the next time.
 */
export async function verifyAccounts(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  pace: Pace,
  span: AccountSpan = {},
): Promise<AccountCounts & { readonly place?: AccountPlace }> {
  const counts = { accounts: 0, entries: 0, unchained: 0 }
  const { only, isOver = () => false } = span
  let from = span.from ?? { accountId: only ?? firstId, version: 0 }
  for (;;) {
    const { accountId, version } = from
    const parameters = [ledgerId, accountsPerRead, accountId, only ?? lastId]
    const rows = await pace(() => reader.rows(cutPage(reader), parameters))
    const page = rows.filter((row) => row['id'] !== accountId || version !== wholeAccount)
    const chains = new Map(
      page.map((row) => [row['id'] as string, new Chain(ledgerId, cutOf(row), differences)]),
    )
    await resume(reader, ledgerId, chains.get(accountId), version)
    const { entries, place } = await walkEntries(reader, ledgerId, chains, pace, span)
    counts.entries += entries
    for (const [id, chain] of chains) {
      if (place !== undefined && id >= place.accountId) {
        counts.unchained += chain.pause()
      } else {
        counts.unchained += chain.end()
        counts.accounts += 1
      }
    }
    if (place !== undefined) return { ...counts, place }
    const last = rows.at(-1)
    if (last === undefined || rows.length < accountsPerRead) return counts
    from = { accountId: last['id'] as string, version: wholeAccount }
    if (isOver()) return { ...counts, place: from }
  }
}

/** Puts an account's chain to where an earlier walk has left it, if the entry is still there. */
async function resume(
  reader: VerifyingReader,
  ledgerId: number,
  chain: Chain | undefined,
  version: number,
): Promise<void> {
  if (chain === undefined || version === 0) return
  const [row] = await reader.rows(entryAt, [ledgerId, chain.cut.id, version])
  if (row !== undefined) chain.resume(row)
}

/** Hands each chain its entries in order; gives their number, and how far it came if it was ended before. */
async function walkEntries(
  reader: VerifyingReader,
  ledgerId: number,
  chains: ReadonlyMap<string, Chain>,
  pace: Pace,
  { entriesPerRead = usualEntriesPerRead, isOver = () => false }: AccountSpan,
): Promise<{ readonly entries: number; readonly place?: AccountPlace }> {
  const [first] = chains.values()
  const last = [...chains.keys()].at(-1)
  if (first === undefined || last === undefined) return { entries: 0 }
  const statement = entryWalk(reader)
  let entries = 0
  let place = { accountId: first.cut.id, version: first.version || Number.MIN_SAFE_INTEGER }
  for (;;) {
    const parameters = [ledgerId, place.accountId, place.version, last, entriesPerRead]
    const rows = await pace(() => reader.rows(statement, parameters))
    let skipping = false
    for (const row of rows) {
      const chain = chains.get(row['account_id'] as string)
      skipping = chain === undefined || Number(row['account_version']) > chain.cut.version
      if (chain === undefined || skipping) continue
      chain.add(row)
      entries += 1
    }
    const end = rows.at(-1)
    if (end === undefined || rows.length < entriesPerRead) return { entries }
    // What came after the cut is passed over, so that a busy account cannot keep us.
    const version = skipping ? wholeAccount : Number(end['account_version'])
    place = { accountId: end['account_id'] as string, version }
    if (!skipping && isOver()) return { entries, place }
  }
}

function cutOf(row: Row): Cut {
  return {
    id: row['id'] as string,
    accountType: row['account_type'] as AccountType,
    version: Number(row['version']),
    row,
  }
}

/** One account's entries, added up from nothing. The first wrong one of a kind is named: the rest follow from it. */
class Chain {
  readonly cut: Cut
  readonly #ledgerId: number
  readonly #differences: Differences
  readonly #told = new Set<string>()
  #version = 0
  #debits = 0n
  #credits = 0n
  #at: number | null = null
  readonly #hashes: HashChain
  readonly #order = new IdOrder()

  constructor(ledgerId: number, cut: Cut, differences: Differences) {
    this.#ledgerId = ledgerId
    this.cut = cut
    this.#differences = differences
    this.#hashes = new HashChain(ledgerId, cut.id)
  }

  /** The version of the last entry added. */
  get version(): number {
    return this.#version
  }

  /** Goes on behind an entry up to which all was right, or told of. */
  resume(row: Row): void {
    const { accountType } = this.cut
    const balance = wholeNumber(row['balance_after']) ?? 0n
    this.#version = Number(row['account_version'])
    this.#debits = wholeNumber(row['debits_after']) ?? 0n
    this.#credits = creditsAfter(accountType, minorUnits(balance), minorUnits(this.#debits))
    this.#at = time(row['posted_at'])
    this.#hashes.resume(row)
    this.#order.resume(row)
  }

  /** Ends before the last entry; gives the number of entries without a hash. */
  pause(): number {
    this.#hashes.pause()
    return this.#hashed()
  }

  add(row: Row): void {
    this.#hashes.add(row, () => this.#likely(row))
    this.#order.add(row)
    const version = Number(row['account_version'])
    const { row: account } = this.cut
    this.#expect(
      'anchor',
      version !== Number(account['anchored_version']) ||
        hex(row['hash']) === hex(account['anchored_hash']),
      () => `entry ${version} has another hash than anchor ${String(account['anchor'])} says`,
    )
    const amount = wholeNumber(row['amount'])
    this.#expect(
      'version',
      version === this.#version + 1,
      () => `version ${version} follows version ${this.#version}`,
    )
    this.#version = version
    if (amount === undefined || amount <= 0n) {
      this.#tell('amount', `entry ${version} has the amount ${String(row['amount'])}`)
      return
    }
    if ((row['direction'] as Direction) === 'debit') this.#debits += amount
    else this.#credits += amount

    const balance = this.#balance()
    this.#expect(
      'balance_after',
      wholeNumber(row['balance_after']) === balance,
      () =>
        `entry ${version} says balance ${String(row['balance_after'])}, its predecessors add up to ${balance}`,
    )
    this.#expect(
      'debits_after',
      wholeNumber(row['debits_after']) === this.#debits,
      () =>
        `entry ${version} says debits ${String(row['debits_after'])}, its predecessors add up to ${this.#debits}`,
    )
    const at = time(row['posted_at'])
    this.#expect(
      'posted_at',
      this.#at === null || (at !== null && at >= this.#at),
      () => `entry ${version} is older than the one before it`,
    )
    this.#at = at
  }

  /** Ends with the account's own row; gives the number of entries without a hash. */
  end(): number {
    const { row, version } = this.cut
    this.#hashes.end(row)
    this.#order.end(row)
    const unchained = this.#hashed()
    this.#expect(
      'anchored version',
      Number(row['anchored_version']) <= this.#version,
      () =>
        `its entries end at version ${this.#version}, anchor ${String(row['anchor'])} says that it had version ${String(row['anchored_version'])}`,
    )
    this.#expect(
      'beyond',
      row['beyond'] === null,
      () => `has version ${version} and an entry of version ${String(row['beyond'])}`,
    )
    this.#expect(
      'end',
      this.#version === version,
      () => `has version ${version}, its entries end at ${this.#version}`,
    )
    this.#expect(
      'debits',
      wholeNumber(row['posted_debits']) === this.#debits,
      () => `has debits ${String(row['posted_debits'])}, its entries add up to ${this.#debits}`,
    )
    this.#expect(
      'credits',
      wholeNumber(row['posted_credits']) === this.#credits,
      () => `has credits ${String(row['posted_credits'])}, its entries add up to ${this.#credits}`,
    )
    this.#expect(
      'last_posted_at',
      time(row['last_posted_at']) === this.#at,
      () => 'its time of last posting is not that of its last entry',
    )
    return unchained
  }

  /** What columns of the next entry must have been if they follow from the others and from the entries before. */
  #likely(row: Row): Partial<EntryContent> {
    const amount = wholeNumber(row['amount']) ?? 0n
    const balanceAfter = wholeNumber(row['balance_after']) ?? 0n
    const change = balanceAfter - this.#balance()
    const isDebit = (row['direction'] as Direction) === 'debit'
    const grows = isDebit === (normalSides[this.cut.accountType] === 'debit')
    return {
      accountVersion: this.#version + 1,
      amount: change < 0n ? -change : change,
      balanceAfter: this.#balance() + (grows ? amount : -amount),
      debitsAfter: this.#debits + (isDebit ? amount : 0n),
      postedAt: time(row['transaction_posted_at']),
    }
  }

  #hashed(): number {
    const { fault, unchained } = this.#hashes
    if (fault !== undefined) this.#tell('hash', fault)
    if (this.#order.fault !== undefined) this.#tell('order', this.#order.fault)
    return unchained
  }

  #balance(): bigint {
    return balanceOf(this.cut.accountType, {
      postedDebits: minorUnits(this.#debits),
      postedCredits: minorUnits(this.#credits),
      heldDebits: minorUnits(0n),
      heldCredits: minorUnits(0n),
      version: this.#version,
    })
  }

  #expect(kind: string, holds: boolean, detail: () => string): void {
    if (!holds) this.#tell(kind, detail())
  }

  #tell(kind: string, detail: string): void {
    if (this.#told.has(kind)) return
    this.#told.add(kind)
    this.#differences.add(this.#ledgerId, `account ${this.cut.id}`, detail)
  }
}
