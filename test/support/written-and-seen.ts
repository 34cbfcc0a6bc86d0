import { withClient } from '../../scripts/provision/postgres-database.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import { until } from './until.ts'

/**
 * Waits until what has been written so far is among the events: on Postgres once all have ended who were writing anywhere on its
 * server, also in the databases of tests beside this one.
 */
export async function writtenAndSeen(location: StoreLocation): Promise<void> {
  if (location.dialect === 'sqlite') return
  await withClient(location.url, async (client) => {
    const rows = async (text: string) => (await client.query<{ number: string }>(text)).rows
    const [newest] = await rows(`select pg_current_xact_id()::text as number`)
    await until('all writers have ended', async () => {
      const [oldest] = await rows(`select pg_snapshot_xmin(pg_current_snapshot())::text as number`)
      return BigInt(oldest?.number ?? 0) > BigInt(newest?.number ?? 0)
    })
  })
}
