import { readConfiguration, type Configuration } from '../../shared/config.ts'
import { cannotStart, openRuntime } from '../runtime.ts'
import { stopOnSignal } from '../stop.ts'
import { anchorRules } from './anchoring.ts'
import { listenForOperators } from './operator-port.ts'
import { Worker } from './worker.ts'

/** Runs one worker service: `npm run worker`. Any number of them may run. */
async function main(): Promise<void> {
  const configuration = readConfiguration()
  demandSharedServers(configuration)
  const runtime = await openRuntime(configuration, 'ledgerflow-worker')
  const { log, store, queue } = runtime
  const worker = new Worker(
    { ...runtime, anchors: anchorRules(configuration) },
    { eventsKeepDays: configuration.EVENTS_KEEP_DAYS },
  )
  await worker.start()
  const port = await listenForOperators(runtime, configuration.HOST, configuration.WORKER_PORT)

  stopOnSignal(log, async () => {
    port.stopping()
    await worker.stop()
    await port.close()
    await runtime.close()
  })
  log.info(
    { address: port.address, store: store.description, queue: queue.description },
    `The worker is ready (${store.description}; ${queue.description}). ` +
      `Health and metrics: ${port.address}/health/ready, ${port.address}/metrics.`,
  )
}

/** Throws where the API process posts what is queued and a worker could only be in its way. */
function demandSharedServers({ REDIS_URL: redis, DATABASE_URL: database }: Configuration): void {
  if (redis === undefined) {
    throw new Error(
      'a worker needs REDIS_URL; without it the API process (npm start) posts what is queued',
    )
  }
  if (database.dialect === 'sqlite') {
    throw new Error(
      'a worker needs Postgres (DATABASE_URL); on a SQLite file the API process (npm start) posts what is queued',
    )
  }
}

main().catch(cannotStart)
