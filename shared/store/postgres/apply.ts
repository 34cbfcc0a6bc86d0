import type { Row } from '../rows.ts'
import type { Step } from '../writer.ts'
import type { PostingConnection } from './posting-connection.ts'
import { commitWith } from './commit.ts'
import { storeFailureOf } from './sqlstate.ts'

/**
 * Runs a few statements as one database transaction and commits it if each touched a row. An explicit transaction also
 * for a single one: a dead client's autocommit statement would still be applied.
 */
export async function applyOn(
  connection: PostingConnection,
  steps: readonly Step[],
): Promise<readonly Row[] | undefined> {
  let rows: readonly Row[] = []
  try {
    for (const [place, { statement, parameters }] of steps.entries()) {
      const [begun, found] = connection.together(() => [
        place === 0 ? connection.send('begin') : Promise.resolve(),
        connection.sendObjects(statement, [...parameters]),
      ])
      await Promise.allSettled([begun, found])
      await begun
      rows = await found
      if (rows.length === 0) {
        await connection.send('rollback')
        return undefined
      }
    }
  } catch (error) {
    throw storeFailureOf(error, 'before_commit')
  }
  await commitWith(connection, undefined)
  return rows
}
