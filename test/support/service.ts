import type { GateRules } from '../../services/api/access/gate.ts'
import type { Border } from '../../services/api/server.ts'
import { startApi } from '../../services/api/api-service.ts'
import { Worker } from '../../services/worker/worker.ts'
import { BacklogMonitor } from '../../shared/engine/backlog-monitor.ts'
import { createLog } from '../../shared/log.ts'
import { Metrics } from '../../shared/metrics.ts'
import { InProcessQueue } from '../../shared/queue/in-process.ts'
import type { Queue } from '../../shared/queue/queue.ts'
import { RedisQueue } from '../../shared/queue/redis-queue.ts'
import type { WebhookRules } from '../../shared/webhooks/webhook-rules.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import type { Tracing } from '../../shared/trace/tracing.ts'
import { ApiClient, type ClientMode } from './api-client.ts'
import { expectRightBooks } from './books.ts'
import { createPostgresDatabase, createSqlitePath, redisPrefix, redisUrl } from './databases.ts'

/** A running service: the real API on a port of its own, and a client that talks to it. */
export interface Service {
  readonly api: ApiClient
  readonly url: string
  readonly location: StoreLocation
  readonly store: LedgerStore
  readonly queue: Queue
  readonly monitor: BacklogMonitor
  readonly metrics: Metrics
  /** A second API process's worth of everything but the database: its own connections, caches and port. */
  another(changes?: ServiceOptions): Promise<Service>
  /** Starts the worker of this service, unless it runs. */
  startWorker(): Promise<void>
  /** Stops the worker of this service, if it runs: from then on nothing is drained until it is started again. */
  stopWorker(): Promise<void>
  /** Stops the service, then recomputes the books: a suite that leaves them wrong fails. */
  close(): Promise<void>
}

/** One way in which the service is run. Every conformance suite runs on all of them. */
export interface Shape {
  readonly name: string
  /** The mode in which the service's client posts. */
  readonly mode: ClientMode
  start(options?: ServiceOptions): Promise<Service>
}

/** All shapes: the same answers are expected of each. */
export const shapes: readonly Shape[] = [
  shape('sqlite, in process', sqlite, () => () => new InProcessQueue()),
  shape('postgres, in process', postgres, () => () => new InProcessQueue()),
  shape('sqlite, BullMQ', sqlite, () => bullmq()),
  shape('postgres, BullMQ', postgres, () => bullmq()),
]

/** One shape of each store: for what no queue has a part in. */
export const shapesOfBothStores: readonly Shape[] = shapes.filter(({ name }) =>
  name.endsWith('in process'),
)

/**
 * All shapes, with clients that queue and wait, and those in process also with clients that post at once, where no queue has
 * a part in it: the same answers again.
 */
export const shapesInBothModes: readonly Shape[] = [
  ...shapesOfBothStores.map((each) => inMode(each, 'sync')),
  ...shapes.map((each) => inMode(each, 'async')),
]

function inMode(each: Shape, mode: ClientMode): Shape {
  return {
    name: `${each.name}, ${mode}`,
    mode,
    start: (options = {}) => each.start({ clientMode: mode, ...options }),
  }
}

function shape(
  name: string,
  locate: () => StoreLocation | Promise<StoreLocation>,
  newQueue: () => () => Queue,
): Shape {
  return {
    name,
    mode: 'default',
    start: async (options = {}) => startService(await locate(), { queue: newQueue(), ...options }),
  }
}

/** A SQLite file that nobody else uses. */
export function sqlite(): StoreLocation {
  return { dialect: 'sqlite', path: createSqlitePath() }
}

/** A migrated Postgres database that nobody else uses. */
export async function postgres(): Promise<StoreLocation> {
  return { dialect: 'postgres', url: await createPostgresDatabase() }
}

/** How many queues the slots are spread over, unless a test says otherwise. */
const usualQueues = 8

let namespaces = 0

/** Queues on the run's Redis, or another, under a name that nobody else uses: all that are made by it ring each other. */
export function bullmq(url = redisUrl(), namespace = newNamespace()): (queues?: number) => Queue {
  return (queues = usualQueues) => new RedisQueue({ urls: [url] }, { queues, namespace })
}

/** Below the name of the test file: a namespace that only one ledger uses, since a worker answers all rings in it. */
export function newNamespace(): string {
  namespaces += 1
  return `${redisPrefix()}-${namespaces}`
}

/** Puts something between the service and the real store, as a fault would be. */
export type Interposer = (store: LedgerStore) => Partial<LedgerStore>

/** What may differ from the usual composition. */
export interface ServiceOptions {
  readonly interpose?: Interposer
  /** The transport of the queue; each service and its worker get one of their own. */
  readonly queue?: () => Queue
  /** Whether a worker runs from the beginning on. */
  readonly worker?: boolean
  readonly defaultMode?: 'sync' | 'async'
  readonly backlogMax?: number
  /** Who may call; usually whoever shows a credential, as soon as there is one. */
  readonly access?: GateRules
  /** How the API meets those outside; usually without limits. */
  readonly border?: Partial<Border>
  /** How many streams of events there may be at once. */
  readonly streamsMax?: number
  readonly clientMode?: ClientMode
  readonly tracing?: Tracing
  /** How webhooks are sent; usually they are not. */
  readonly webhooks?: WebhookRules
}

/** Starts the service with its worker over a store, composed as `services/main.ts` does. Rejects when it cannot. */
export async function startService(
  location: StoreLocation,
  options: ServiceOptions = {},
): Promise<Service> {
  const { interpose = () => ({}), queue: connect = () => new InProcessQueue() } = options
  const opened = await openStore(location)
  const store = interposed(opened.store, interpose(opened.store))
  const log = createLog('silent')
  const metrics = new Metrics()
  metrics.showConnections(() => store.connections())
  const monitor = new BacklogMonitor(store, options.backlogMax ?? 1_000_000)
  await monitor.start()
  const queue = connect()
  const { webhooks, tracing } = options
  const parts = { store, queue, monitor, metrics, log, webhooks, tracing }

  let worker: Worker | undefined
  const startWorker = async () => {
    if (worker !== undefined) return
    worker = new Worker(parts)
    await worker.start()
  }
  const stopWorker = async () => {
    const stopping = worker
    worker = undefined
    await stopping?.stop()
  }
  if (options.worker !== false) await startWorker()

  const serve = async (changes: ServiceOptions = {}): Promise<Service> => {
    const all = { ...options, ...changes }
    const { defaultMode = 'sync', clientMode = 'default', access, border, streamsMax } = all
    const where = { host: '127.0.0.1', port: 0, queues: usualQueues, location }
    const api = await startApi(parts, {
      ...where,
      defaultMode,
      ...(access === undefined ? {} : { access }),
      ...(border === undefined ? {} : { border }),
      ...(streamsMax === undefined ? {} : { streamsMax }),
    })
    const client = (await ApiClient.of(api.address)).inMode(clientMode)
    return {
      api: client,
      url: api.address,
      location,
      store,
      queue,
      monitor,
      metrics,
      startWorker,
      stopWorker,
      another: serve,
      close: () => api.stop(),
    }
  }
  const service = await serve()
  const close = async () => {
    await service.close()
    await stopWorker()
    await monitor.stop()
    await queue.close()
    await store.close()
    await expectRightBooks(location)
  }
  // One process serves a SQLite file, so there the other API shares its store and its queue.
  const another =
    location.dialect === 'sqlite'
      ? serve
      : (changes: ServiceOptions = {}) => startService(location, { ...options, ...changes })
  return { ...service, another, close }
}

/** The store with some of its methods replaced. */
function interposed(store: LedgerStore, replaced: Partial<LedgerStore>): LedgerStore {
  if (replaced === store || Object.keys(replaced).length === 0) return store
  return new Proxy(store, {
    get: (target, name) => {
      const owner = Reflect.has(replaced, name) ? replaced : target
      const value: unknown = Reflect.get(owner, name, owner)
      return typeof value === 'function' ? (value.bind(owner) as unknown) : value
    },
  })
}
