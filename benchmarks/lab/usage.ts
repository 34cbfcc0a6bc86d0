import type { Lab, Site } from './lab.ts'
import { endedChildrenSeconds, processorSeconds } from './process-usage.ts'

/** What a load has cost: cores used by each process on average, and what it left in the database. */
export interface Usage {
  /** Cores, by process; `generator` is whatever was run to its end meanwhile. */
  readonly cores: Readonly<Record<ProcessName, number>>
  readonly databaseBytes: number
  readonly walBytes: number
}

type ProcessName = 'api' | 'worker' | 'postgres' | 'redis' | 'generator'

/** Begins to watch a site; the function it gives ends that and tells the usage since. */
export async function watchUsage(lab: Lab, site: Site): Promise<() => Promise<Usage>> {
  const before = await read(lab, site)
  const begun = performance.now()
  return async () => {
    const seconds = (performance.now() - begun) / 1000
    const after = await read(lab, site)
    const names = Object.keys(after.seconds) as ProcessName[]
    const cores = names.map((name) => [
      name,
      (after.seconds[name] - before.seconds[name]) / seconds,
    ])
    return {
      cores: Object.fromEntries(cores) as Record<ProcessName, number>,
      databaseBytes: after.databaseBytes - before.databaseBytes,
      walBytes: after.walBytes - before.walBytes,
    }
  }
}

async function read(lab: Lab, { api, worker, database }: Site) {
  const [used, stored] = await Promise.all([
    Promise.all([
      processorSeconds(api.pid),
      processorSeconds(worker.pid),
      processorSeconds(lab.postgres.pid ?? 0),
      processorSeconds(lab.redis.pid ?? 0),
      endedChildrenSeconds(),
    ]),
    database.query<{ database_bytes: string; wal_bytes: string }>(
      `select pg_database_size(current_database()) as database_bytes,
              pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0') as wal_bytes`,
    ),
  ])
  const [apiS, workerS, postgres, redis, generator] = used
  const [row] = stored.rows
  const seconds: Record<ProcessName, number> = {
    api: apiS,
    worker: workerS,
    postgres,
    redis,
    generator,
  }
  return {
    seconds,
    databaseBytes: Number(row?.database_bytes),
    walBytes: Number(row?.wal_bytes),
  }
}
