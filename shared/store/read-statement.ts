import type { AccountRecord, ListedEntry } from '../engine/account-record.ts'
import { normalSides } from '../ledger/account.ts'
import type {
  StatementFrame,
  StatementLine,
  StatementPlace,
  StatementSpan,
} from '../engine/statement.ts'
import { timeMin } from '../ledger/axis.ts'
import type { MinorUnits } from '../ledger/money.ts'
import { balanceAt } from './read-accounts.ts'
import { effectiveBalanceAt } from './read-effective.ts'
import type { Reader, Statement } from './reader.ts'
import { listedEntryOf, type Row } from './rows.ts'

const columns = `e.*, t.effective_at, t.reference, t.description`

const transactionOfEntry = (reader: Reader) =>
  reader.probe('transactions', 't', 't.ledger_id = $1 and t.id = e.transaction_id')

/** Entries of an account by version, through `entries_pkey`, and `transactions_pkey` for each. No lock. */
const linesByVersion = (reader: Reader): Statement => ({
  name: 'lines_by_version',
  text: `select ${columns} from entries e ${transactionOfEntry(reader)}
          where e.ledger_id = $1 and e.account_id = $2
            and e.account_version > $3 and e.account_version <= $4
          order by e.account_version limit $5`,
})

/** Dated entries of an account by effect, through `dated_entries_of_account`, and two keys for each. No lock. */
const linesByEffect = (reader: Reader): Statement => ({
  name: 'lines_by_effect',
  text: `select ${columns} from dated_entries d
           ${reader.probe('entries', 'e', 'e.ledger_id = $1 and e.account_id = $2 and e.account_version = d.account_version')}
           ${transactionOfEntry(reader)}
          where d.ledger_id = $1
            and ${reader.keyRange(['d.account_id', '$2'], '>', [
              ['d.effective_at', '$3'],
              ['d.account_version', '$4'],
            ])}
            and ${reader.keyRange(['d.account_id', '$2'], '<=', [['d.effective_at', '$5']])}
          order by d.effective_at, d.account_version limit $6`,
})

/**
 * Reads where a statement begins and ends. `account.version` is its cut: what is posted later is not in it, so that all its
 * pages agree although posting goes on. Two round trips, more with dated entries.
 */
export async function statementFrame(
  reader: Reader,
  account: AccountRecord,
  { axis, after, until }: StatementSpan,
): Promise<StatementFrame> {
  const read = axis === 'posted' ? balanceAt : effectiveBalanceAt
  const before = after === null ? undefined : await read(reader, account, after)
  const closing = await read(reader, account, until)
  const versionAt = async (at: number) => (await balanceAt(reader, account, at)).version
  return {
    opening: {
      version: after === null ? 0 : await versionAt(after),
      dated: after === null ? [timeMin, 0] : [after, Number.MAX_SAFE_INTEGER],
      balance: before?.balance ?? (0n as MinorUnits),
    },
    closing: closing.balance,
    lastVersion: await versionAt(until),
  }
}

/** Reads the lines of a statement behind a place, oldest first, `rowsPerRead` at a time; each read is short. */
export async function* statementLines(
  reader: Reader,
  account: AccountRecord,
  span: StatementSpan,
  {
    from,
    lastVersion,
    rowsPerRead,
  }: { from: StatementPlace; lastVersion: number; rowsPerRead: number },
): AsyncGenerator<StatementLine> {
  const effective = span.axis === 'effective'
  const plain = new Lines(rowsPerRead, async (last) => {
    const after = last?.entry.accountVersion ?? from.version
    const parameters = [account.ledgerId, account.id, after, lastVersion, rowsPerRead]
    return reader.rows(linesByVersion(reader), parameters)
  })
  const dated = new Lines(effective ? rowsPerRead : 0, async (last) => {
    const [at, version] =
      last === undefined ? from.dated : [last.entry.effectiveAt, last.entry.accountVersion]
    const key = [reader.timeParameter(at), version, reader.timeParameter(span.until)]
    return reader.rows(linesByEffect(reader), [account.ledgerId, account.id, ...key, rowsPerRead])
  })
  let place = from
  for (;;) {
    const ofPlain = await plain.next((line) => !effective || !isDated(line.entry))
    const ofDated = await dated.next((line) => line.entry.accountVersion <= account.version)
    const line = earlier(ofPlain, ofDated)
    if (line === undefined) return
    const { entry } = line
    if (line === ofPlain) {
      plain.take()
      place = { ...place, version: entry.accountVersion }
    } else {
      dated.take()
      place = { ...place, dated: [entry.effectiveAt, entry.accountVersion] }
    }
    const grows = entry.direction === normalSides[account.accountType]
    place = {
      ...place,
      balance: (place.balance + (grows ? entry.amount : -entry.amount)) as MinorUnits,
    }
    yield { ...line, balance: place.balance, place }
  }
}

type UnplacedLine = Omit<StatementLine, 'balance' | 'place'>

/** One of the two orders in which entries are read, a piece at a time. */
class Lines {
  readonly #rowsPerRead: number
  readonly #read: (last: UnplacedLine | undefined) => Promise<readonly Row[]>
  #lines: readonly UnplacedLine[] = []
  #at = 0
  #last: UnplacedLine | undefined
  #ended: boolean

  constructor(
    rowsPerRead: number,
    read: (last: UnplacedLine | undefined) => Promise<readonly Row[]>,
  ) {
    this.#rowsPerRead = rowsPerRead
    this.#read = read
    this.#ended = rowsPerRead === 0
  }

  /** The first line that is left and belongs; it stays until it is taken. */
  async next(belongs: (line: UnplacedLine) => boolean): Promise<UnplacedLine | undefined> {
    for (;;) {
      for (; this.#at < this.#lines.length; this.#at += 1) {
        const line = this.#lines[this.#at]
        if (line !== undefined && belongs(line)) return line
      }
      if (this.#ended) return undefined
      this.#lines = (await this.#read(this.#last)).map(lineOf)
      this.#at = 0
      this.#last = this.#lines.at(-1)
      this.#ended = this.#lines.length < this.#rowsPerRead
    }
  }

  take(): void {
    this.#at += 1
  }
}

function lineOf(row: Row): UnplacedLine {
  return {
    entry: listedEntryOf(row),
    reference: row['reference'] as string | null,
    description: row['description'] as string | null,
  }
}

function isDated({ effectiveAt, postedAt }: ListedEntry): boolean {
  return effectiveAt !== postedAt
}

/** By effect, then by version: two that take effect at one time stand in the order of posting. */
function earlier(
  a: UnplacedLine | undefined,
  b: UnplacedLine | undefined,
): UnplacedLine | undefined {
  if (a === undefined || b === undefined) return a ?? b
  const apart = a.entry.effectiveAt - b.entry.effectiveAt
  return apart < 0 || (apart === 0 && a.entry.accountVersion < b.entry.accountVersion) ? a : b
}
