import { expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { newId } from '../../shared/engine/new-id.ts'
import { Posting } from '../../shared/engine/post.ts'
import { Metrics } from '../../shared/metrics.ts'
import { postOn } from '../../shared/store/postgres/post.ts'
import { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import { commandOf } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { until } from '../support/until.ts'
import { openPlannedLedger, growingStates, type PlannedLedger } from './planned-ledger.ts'

const postsAfterwards = 5
/** What one probe may read: the row, and versions of it that nobody has tidied up yet. */
const readsOfProbeMax = 20

test('what posting and its guards planned while the tables grew reads a row or two a probe when they are large', async () => {
  const ledger = await openPlannedLedger()
  const connections: PostingConnection[] = []
  for (const { state, prepare } of growingStates) {
    if (state === 'large and analysed') break
    await prepare(ledger)
    connections.push(await PostingConnection.open(ledger.url))
    for (const connection of connections) await post(ledger, connection)
  }
  await withClient(ledger.url, (client) => client.query('select pg_stat_reset()'))
  for (const connection of connections) {
    for (let count = 0; count < postsAfterwards; count += 1) await post(ledger, connection)
    connection.close()
  }
  // A session hands in what it has counted when it ends.
  const reads = await until('every session has handed in its counts', async () => {
    const found = await readsOfIndexes(ledger)
    const posted = found.find(({ index }) => index === 'transactions_pkey')?.scans ?? 0
    return posted >= connections.length * postsAfterwards ? found : undefined
  })
  expect(reads.filter(({ scans, rows }) => rows > scans * readsOfProbeMax)).toEqual([])
  await ledger.store.close()
})

async function post(ledger: PlannedLedger, connection: PostingConnection): Promise<void> {
  const posting = new Posting(
    { batchesMax: 1, turnsBefore: 1, post: (reads, decide) => postOn(connection, reads, decide) },
    new Metrics().posting,
  )
  const request = payment({
    debit: ledger.cash,
    credit: ledger.alice,
    amount: '1.00',
    idempotency_key: newId(),
  })
  expect((await posting.post(commandOf(request))).kind).toBe('written')
}

interface IndexReads {
  readonly index: string
  readonly scans: number
  readonly rows: number
}

async function readsOfIndexes({ url }: PlannedLedger): Promise<IndexReads[]> {
  return withClient(url, async (client) => {
    const { rows } = await client.query<IndexReads>(
      `select indexrelname as index, idx_scan::integer as scans, idx_tup_read::integer as rows
         from pg_stat_user_indexes where idx_scan > 0`,
    )
    return rows
  })
}
