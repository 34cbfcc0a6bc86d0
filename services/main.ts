import { startApi } from './api/api-service.ts'
import { cannotStart, openRuntime } from './runtime.ts'
import { stopOnSignal } from './stop.ts'
import { Worker } from './worker/worker.ts'

/**
 * Runs the API service. Without Redis the same process drains its own queue; with it, workers do
 * (`npm run worker`).
 */
async function main(): Promise<void> {
  const runtime = await openRuntime()
  const { configuration, log, store, queue } = runtime
  const api = await startApi(runtime, {
    host: configuration.HOST,
    port: configuration.PORT,
    defaultMode: configuration.POSTING_MODE,
    queues: configuration.QUEUES,
  })
  const embedded = configuration.REDIS_URL === undefined
  const worker = embedded ? new Worker(runtime) : undefined
  await worker?.start()

  stopOnSignal(log, async () => {
    await api.stop()
    await worker?.stop()
    await runtime.close()
  })
  const { address } = api
  log.info(
    { address, store: store.description, queue: queue.description },
    `LedgerFlow is ready at ${address} (${store.description}; queue ${queue.description}). ` +
      `Documentation: ${address}/docs. First payment: see README.md, or try POST /api/v1/accounts there.`,
  )
}

main().catch(cannotStart)
