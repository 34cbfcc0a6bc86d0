import { expect } from 'vitest'
import { openPostgresSource } from '../../shared/store/data-source.ts'
import type { Parameter, Reader, Statement } from '../../shared/store/reader.ts'
import type { Row } from '../../shared/store/rows.ts'

/** One scan of a plan: which index, and the columns its condition is on. */
export interface Scan {
  readonly statement: string
  readonly kind: string
  readonly index: string | undefined
  readonly condition: string
  /** From which end of the index. */
  readonly direction: string | undefined
}

/** The columns of every index, in their order. */
export type IndexColumns = ReadonlyMap<string, readonly string[]>

/** Runs reads as the service does, and keeps how each was planned. */
export class Explaining implements Reader {
  readonly scans: Scan[] = []
  readonly #reader: Reader

  constructor(reader: Reader) {
    this.#reader = reader
  }

  async rows(statement: Statement, parameters: readonly Parameter[]): Promise<readonly Row[]> {
    const text = `explain (format json) ${statement.text}`
    const [row] = await this.#reader.rows({ name: `explain ${statement.name}`, text }, parameters)
    this.scans.push(...scansIn(statement.name, planOf(row ?? {})))
    return this.#reader.rows(statement, parameters)
  }

  timeParameter(ms: number): Parameter {
    return this.#reader.timeParameter(ms)
  }

  exactSum(column: string): string {
    return this.#reader.exactSum(column)
  }

  idRows(first: number, count: number): string {
    return this.#reader.idRows(first, count)
  }

  keyRange(...asked: Parameters<Reader['keyRange']>): string {
    return this.#reader.keyRange(...asked)
  }

  probe(...asked: Parameters<Reader['probe']>): string {
    return this.#reader.probe(...asked)
  }
}

interface PlanNode {
  readonly 'Node Type': string
  readonly 'Index Name'?: string
  readonly 'Index Cond'?: string
  readonly 'Scan Direction'?: string
  readonly 'Relation Name'?: string
  readonly Plans?: readonly PlanNode[]
}

export function planOf(row: Row): PlanNode {
  const [explained] = row['QUERY PLAN'] as { Plan: PlanNode }[]
  if (explained === undefined) throw new Error('no plan')
  return explained.Plan
}

/** All that reads a table or joins by reading a whole side; tables a trigger reads are planned for themselves. */
export function scansIn(statement: string, node: PlanNode): Scan[] {
  const kind = node['Node Type']
  const scan = {
    statement,
    kind,
    index: node['Index Name'],
    condition: node['Index Cond'] ?? '',
    direction: node['Scan Direction'],
  }
  const readsTable = node['Relation Name'] !== undefined && kind !== 'ModifyTable'
  const own = readsTable || /Hash Join|Merge Join|Bitmap/.test(kind) ? [scan] : []
  return [...own, ...(node.Plans ?? []).flatMap((plan) => scansIn(statement, plan))]
}

/** The same scan as it should be: at a known place, or through an index with a condition on every column of it. */
export function probeOf(scan: Scan, indexColumns: IndexColumns): unknown {
  if (scan.kind === 'Tid Scan') return scan
  const columns = indexColumns.get(scan.index ?? '') ?? ['an index']
  const all = columns.map((column) => `(?=[^]*\\b${column}\\b)`).join('')
  return {
    ...scan,
    kind: expect.stringMatching(/^Index (Only )?Scan$/) as string,
    condition: expect.stringMatching(new RegExp(`^${all}`)) as string,
  }
}

/** `index (columns in its condition)`, or what it is instead of an index scan. */
export function shortOf({ kind, index, condition }: Scan, indexColumns: IndexColumns): string {
  if (index === undefined) return kind
  const columns = (indexColumns.get(index) ?? []).filter((column) =>
    new RegExp(`\\b${column}\\b`).test(condition),
  )
  return `${index} (${columns.join(', ')})`
}

/** Asks a database for its indexes. */
export async function readIndexColumns(url: string): Promise<IndexColumns> {
  const source = await openPostgresSource(url)
  const rows = await source.dataSource.query<{ name: string; columns: string[] }[]>(
    `select i.indexrelid::regclass::text as name,
            array_agg(a.attname::text order by k.place) as columns
       from pg_index i
      cross join lateral unnest(i.indkey) with ordinality as k (number, place)
       join pg_attribute a on a.attrelid = i.indrelid and a.attnum = k.number
      where i.indrelid::regclass::text !~ '^(pg_|information_schema)'
      group by i.indexrelid`,
  )
  await source.dataSource.destroy()
  return new Map(rows.map(({ name, columns }) => [name, columns]))
}
