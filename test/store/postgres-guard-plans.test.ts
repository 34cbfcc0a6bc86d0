import { expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import { until } from '../support/until.ts'
import { growingStates, openPlannedLedger, postPayment } from './planned-ledger.ts'

const postsAfterwards = 5
/** What one probe may read: the row, and versions of it that nobody has tidied up yet. */
const readsOfProbeMax = 20

test('what posting and its guards planned while the tables grew reads a row or two a probe when they are large', async () => {
  const reads = await readsAfterGrowing()
  expect(reads.map(({ index }) => index)).toContain('accounts_pkey')
  expect(reads.filter(isWalk)).toEqual([])
})

test('with sorts on it walks along the ledger: the control', async () => {
  const reads = await readsAfterGrowing(['set enable_sort = on'])
  expect(reads.filter(isWalk).map(({ index }) => index)).toContain('accounts_code_key')
})

/** What was read through an index, by all who used it. */
interface IndexReads {
  readonly index: string
  readonly scans: number
  readonly rows: number
}

function isWalk({ scans, rows }: IndexReads): boolean {
  return rows > scans * readsOfProbeMax
}

/**
 * Posts on a new connection at each size of the tables, and then on all of them once the tables are large: the plans of statements
 * and of guards, which nobody can ask for, are those of then. Gives what the last payments read.
 */
async function readsAfterGrowing(settings: readonly string[] = []): Promise<readonly IndexReads[]> {
  const ledger = await openPlannedLedger()
  const connections: PostingConnection[] = []
  const backends: number[] = []
  try {
    for (const { state, prepare } of growingStates) {
      // Whoever analyses has everything planned anew.
      if (state === 'large and analysed') break
      await prepare(ledger)
      const opened = await PostingConnection.open(ledger.url)
      for (const setting of settings) await opened.send(setting)
      const { rows } = await opened.send('select pg_backend_pid()')
      backends.push((rows[0] as { pg_backend_pid: number }).pg_backend_pid)
      connections.push(opened)
      for (const connection of connections) await postPayment(ledger, connection)
    }
    await withClient(ledger.url, (client) => client.query('select pg_stat_reset()'))
    for (const connection of connections) {
      for (let count = 0; count < postsAfterwards; count += 1) {
        await postPayment(ledger, connection)
      }
    }
  } finally {
    for (const connection of connections) connection.close()
    await ledger.store.close()
  }
  return withClient(ledger.url, async (client) => {
    // A session hands in what it has counted before it leaves.
    await until('all sessions have ended', async () => {
      const { rowCount } = await client.query(
        'select 1 from pg_stat_activity where pid = any($1::integer[])',
        [backends],
      )
      return rowCount === 0
    })
    const { rows } = await client.query<IndexReads>(
      `select indexrelname as index, idx_scan::integer as scans, idx_tup_read::integer as rows
         from pg_stat_user_indexes where idx_scan > 0`,
    )
    return rows
  })
}
