import type { TransactionFilter, TimeSpan } from './ledger-store.ts'
import type { Parameter, Reader } from './reader.ts'
import type { Row } from './rows.ts'

/** Collects the parameters of a statement as its text is put together. */
export class Parameters {
  readonly values: Parameter[]
  readonly reader: Reader

  constructor(reader: Reader, ledgerId: number) {
    this.reader = reader
    this.values = [ledgerId]
  }

  of(value: Parameter): string {
    return `$${this.values.push(value)}`
  }

  ofTime(ms: number): string {
    return this.of(this.reader.timeParameter(ms))
  }
}

/**
 * One way through an index to the transactions that a filter may choose, newest first. Its text gives `id`, the columns of its key,
 * and `dated`: 1 where a transaction stands by an effective time of its own, 0 by that of posting, -1 where it does not matter.
 */
export interface Way {
  /** The name of its statement. */
  readonly name: string
  readonly text: (parameters: Parameters, after: string | undefined, size: number) => string
  /** The columns of its key, besides the id. */
  readonly columns: readonly string[]
  /** The columns that order it, all descending. */
  readonly order: readonly string[]
  /** The keys by which a search goes on behind each of some rows, which it has read behind a key. */
  readonly keysOf: (rows: readonly Row[], after: string | undefined) => readonly string[]
  /** What of the filter the way itself sees to; all else is asked of each transaction. */
  readonly covers: readonly (keyof TransactionFilter)[]
}

/** Conditions that a column lies in a span. */
export function within(column: string, parameters: Parameters, { from, to }: TimeSpan): string {
  const conditions: string[] = []
  if (from !== undefined) conditions.push(`and ${column} >= ${parameters.ofTime(from)}`)
  if (to !== undefined) conditions.push(`and ${column} < ${parameters.ofTime(to)}`)
  return conditions.join(' ')
}

/** The condition, with its `and`, that a row comes behind a key of one column; nothing is asked where there is no key. */
export function before(column: string, parameters: Parameters, after: string | undefined): string {
  return after === undefined ? '' : `and ${column} < ${parameters.of(after)}`
}

/** The condition, with its `and`, that a row comes behind a key of two columns, of which the first is a time. */
export function beforePair(
  [timeColumn, column]: readonly [string, string],
  parameters: Parameters,
  after: string | undefined,
): string {
  if (after === undefined) return ''
  const [ms = '', rest = ''] = after.split('/')
  const last = column.endsWith('id') ? rest : Number(rest)
  return `and (${timeColumn}, ${column}) < (${parameters.ofTime(Number(ms))}, ${parameters.of(last)})`
}

/** One table of several texts, each in a query of its own: SQLite takes an order and a limit only there. */
export function unionOf(texts: readonly string[], union: 'union' | 'union all'): string {
  return texts.map((text, index) => `select * from (${text}) way${index}`).join(` ${union} `)
}
