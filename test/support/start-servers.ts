import { provisionPostgres } from '../../scripts/provision/postgres.ts'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { provisionRedis } from '../../scripts/provision/redis.ts'

// Run by `provision.test.ts` as a process of its own, to be killed: starts both servers, says where
// they are, and waits.
const [postgres, redis] = await Promise.all([
  provisionPostgres({ durable: false, ownServer: true }),
  provisionRedis({ ownServer: true }),
])
const folder = await withClient(postgres.url(), async (client) => {
  const { rows } = await client.query<{ data_directory: string }>('show data_directory')
  return rows[0]?.data_directory
})
console.log(JSON.stringify({ postgresUrl: postgres.url(), redisPort: redis.port, folder }))
setInterval(() => {}, 60_000)
