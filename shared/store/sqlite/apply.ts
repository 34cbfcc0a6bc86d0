import type { Database } from 'better-sqlite3'
import type { Row } from '../rows.ts'
import type { Step } from '../writer.ts'
import { sqliteFailureOf } from './failure.ts'

/** Runs a few statements as one database transaction and commits it if each touched a row. */
export function applySteps(database: Database, steps: readonly Step[]): readonly Row[] | undefined {
  let rows: readonly Row[] = []
  const run = database.transaction(() => {
    for (const { statement, parameters } of steps) {
      const named = Object.fromEntries(parameters.map((value, index) => [index + 1, value]))
      rows = database.prepare(statement.text).all(named) as Row[]
      if (rows.length === 0) throw new NothingToDo()
    }
  })
  try {
    run.immediate()
    return rows
  } catch (error) {
    if (error instanceof NothingToDo) return undefined
    throw sqliteFailureOf(error)
  }
}

/** Rolls the database transaction back; never leaves this file. */
class NothingToDo extends Error {}
