/** So many failures in a row, and the endpoint itself is taken to be away. */
export const awayAfter = 5

const pauseMsMin = 1000
const pauseMsMax = 60_000
const jitter = 0.1

/** How long to wait after `attempts` attempts, a little sooner or later for each; undefined when there is to be no more. */
export function retryDelay(schedule: readonly number[], attempts: number): number | undefined {
  const delay = schedule[attempts - 1]
  return delay === undefined ? undefined : spread(delay)
}

/** How long an endpoint that has failed so many times in a row is left alone before anything is tried; 0 when it is not. */
export function pauseAfter(failures: number): number {
  if (failures < awayAfter) return 0
  return spread(Math.min(pauseMsMin * 2 ** Math.min(failures - awayAfter, 10), pauseMsMax))
}

function spread(ms: number): number {
  return ms * (1 - jitter + 2 * jitter * Math.random())
}
