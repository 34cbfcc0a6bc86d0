import { EntitySchema, type EntitySchemaOptions } from 'typeorm'

/** The schema of one table, whose columns are those of its row. */
export function schema<Row>(options: EntitySchemaOptions<Row>): EntitySchema<Row> {
  return new EntitySchema<Row>(options)
}

/** The check that a column has one of a list of values. */
export function oneOf(name: string, column: string, values: readonly string[]) {
  return { name, expression: `${column} in (${values.map((value) => `'${value}'`).join(', ')})` }
}
