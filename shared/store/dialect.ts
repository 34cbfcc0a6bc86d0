import type { ColumnType, EntitySchemaColumnOptions, ValueTransformer } from 'typeorm'

/** The two databases that a ledger can be kept in. */
export type Dialect = 'sqlite' | 'postgres'

/** How each kind of value is kept in a dialect: the column's type and what stands in memory for it. */
export interface ColumnKinds {
  readonly id: EntitySchemaColumnOptions
  /** Minor units: a `bigint` in memory. TypeORM would make `numeric` a REAL in SQLite, hence TEXT there. */
  readonly money: EntitySchemaColumnOptions
  /** Milliseconds since 1970 in memory. */
  readonly time: EntitySchemaColumnOptions
  readonly json: EntitySchemaColumnOptions
  /** JSON that is given back as it was written, names in their order. */
  readonly jsonText: EntitySchemaColumnOptions
  readonly bytes: EntitySchemaColumnOptions
  /** A count that stays below 2^53. */
  readonly count: EntitySchemaColumnOptions
  readonly small: EntitySchemaColumnOptions
}

/** The column kinds of a dialect. */
export function columnKinds(dialect: Dialect): ColumnKinds {
  return dialect === 'postgres' ? postgresKinds : sqliteKinds
}

function transformer<Memory, Column>(
  to: (value: Memory) => Column,
  from: (value: Column) => Memory,
): ValueTransformer {
  return {
    to: (value: Memory | null | undefined) => (value == null ? value : to(value)),
    from: (value: Column | null | undefined) => (value == null ? value : from(value)),
  }
}

const asText = transformer<bigint, string>(String, BigInt)
const asNumber = transformer<number, string | number>((value) => value, Number)
const asDate = transformer<number, Date>(
  (value) => new Date(value),
  (value) => value.getTime(),
)
const asJsonText = transformer<unknown, string>(
  (value) => JSON.stringify(value),
  (value) => JSON.parse(value) as unknown,
)

const postgresKinds: ColumnKinds = {
  id: { type: 'uuid' },
  money: { type: 'numeric', precision: 38, scale: 0, transformer: asText },
  time: { type: 'timestamp with time zone', precision: 3, transformer: asDate },
  json: { type: 'jsonb' },
  jsonText: { type: 'json' },
  bytes: { type: 'bytea' },
  count: { type: 'bigint', transformer: asNumber },
  small: { type: 'smallint' },
}

const sqliteInteger: ColumnType = 'integer'
const sqliteKinds: ColumnKinds = {
  id: { type: 'text' },
  money: { type: 'text', transformer: asText },
  time: { type: sqliteInteger },
  json: { type: 'text', transformer: asJsonText },
  jsonText: { type: 'text', transformer: asJsonText },
  bytes: { type: 'blob' },
  count: { type: sqliteInteger },
  small: { type: sqliteInteger },
}
