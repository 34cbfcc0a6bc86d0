import { page } from './page.ts'

/** The page at `/admin/queues` where there is no BullMQ to show. */
export const queueBoardMissingPage = page(
  'LedgerFlow queues',
  `<h1>No Bull Board here</h1>
    <p>This process posts what is queued by itself: its queue lives in the database and in the process, not in
    Redis. Bull Board shows BullMQ queues, so it needs <code>REDIS_URL</code> and workers
    (<code>npm run worker</code>).</p>
    <p>What waits here: <a href="/api/v1/queue">/api/v1/queue</a>.</p>`,
)
