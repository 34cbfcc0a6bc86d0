import { setTimeout as sleep } from 'node:timers/promises'
import { randomOf, type Random } from './random.ts'
import { stopPostgresImmediately, type World } from './world.ts'

/** What the nemesis can do. Each ends what it began. */
const faults = {
  'kill a worker': async (world, random) => {
    const { process } = random.pick(world.workers)
    await process.kill()
    await process.start()
  },
  'kill an API': async (world, random) => {
    const { process } = random.pick(world.apis)
    await process.kill()
    await process.start()
  },
  'terminate a random process': async (world, random) => {
    const { process } = random.pick(world.members)
    const { code, ms } = await process.terminate()
    if (code !== 0) throw new Error(`${process.name} stopped with ${code} after ${ms} ms`)
    await process.start()
  },
  'pause a worker': async (world, random) => {
    const { process } = random.pick(world.workers)
    process.pause()
    await sleep(3000)
    process.resume()
  },
  'flush Redis': async (world) => {
    await world.redis('flushall')
  },
  'restart Redis empty': async ({ servers: { redis } }) => {
    await redis.kill('SIGKILL')
    await redis.restart({ empty: true })
  },
  'stop Redis for a while': async ({ servers: { redis } }) => {
    await redis.kill('SIGSTOP')
    await sleep(3000)
    await redis.kill('SIGCONT')
  },
  'terminate backends': async (world, random) => {
    await world.sql(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid()
          and application_name like 'ledgerflow%' and pid % 3 = $1`,
      [random.below(3)],
    )
  },
  'stop Postgres at once': async ({ servers }) => {
    await stopPostgresImmediately(servers)
    await servers.postgres.restart()
  },
  'restart Postgres fast': async ({ servers: { postgres } }) => {
    await postgres.restart()
  },
  'cut connections': async (world, random) => {
    random.pick(world.members).toPostgres.cutNow()
  },
  'cut before COMMIT': async (world, random) => {
    random.pick(world.members).toPostgres.cutAtCommit('before_commit', 1 + random.below(4))
  },
  'cut after COMMIT': async (world, random) => {
    random.pick(world.members).toPostgres.cutAtCommit('after_commit', 1 + random.below(4))
  },
  'slow the network down': async (world, random) => {
    const { toPostgres } = random.pick(world.members)
    toPostgres.delay(20)
    await sleep(1500)
    toPostgres.pass()
  },
  'lose Postgres’ packets': async (world, random) => {
    const { toPostgres } = random.pick(world.members)
    toPostgres.blackhole()
    await sleep(3000)
    toPostgres.pass()
  },
} satisfies Record<string, (world: World, random: Random) => Promise<void>>

/** A fault by its name. */
export type Fault = keyof typeof faults

/** A planned attack: what, when, and a seed for whom. */
interface Attack {
  readonly fault: Fault
  readonly atMs: number
  readonly seed: number
}

/** Plans attacks over some time: the same seed gives the same plan. */
function planOf(seed: number, durationMs: number, pauseMs: number, of: readonly Fault[]): Attack[] {
  const random = randomOf(seed)
  const plan: Attack[] = []
  // Each fault once in a shuffled order before any comes again.
  let left: Fault[] = []
  for (let atMs = pauseMs / 2; atMs < durationMs; atMs += pauseMs / 2 + random.below(pauseMs)) {
    if (left.length === 0) left = [...of]
    const [fault] = left.splice(random.below(left.length), 1)
    if (fault !== undefined) plan.push({ fault, atMs, seed: random.below(1_000_000) })
  }
  return plan
}

/**
 * Attacks a world by a plan that follows from the seed, and prints it. An attack begins when it is due and the one before it
 * has ended. Rejects when an attack finds something wrong.
 */
export async function attack(
  world: World,
  plan: { seed: number; durationMs: number; pauseMs: number; faults: readonly Fault[] },
): Promise<void> {
  const attacks = planOf(plan.seed, plan.durationMs, plan.pauseMs, plan.faults)
  const schedule = attacks.map(({ fault, atMs }) => `${(atMs / 1000).toFixed(1)} s ${fault}`)
  console.log(`FAULTS_SEED=${plan.seed}: ${schedule.join(', ')}`)
  const begun = performance.now()
  const passed = () => performance.now() - begun
  for (const { fault, atMs, seed } of attacks) {
    await sleep(Math.max(0, atMs - passed()))
    await faults[fault](world, randomOf(seed))
  }
  await sleep(Math.max(0, plan.durationMs - passed()))
}
