import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises'

/** Runs one short read of many, when it is its turn. */
export type Pace = <Result>(read: () => Promise<Result>) => Promise<Result>

/**
 * Paces reads: before each one it lets all else in this process have a turn and rests `restPerWork` times as long as the
 * last read and what was done with it took. With 0 it takes no rest; with 1 at most half of a core is taken from a service
 * on the same machine.
 */
export function paceOf(restPerWork: number): Pace {
  let began = performance.now()
  return async (read) => {
    const restMs = (performance.now() - began) * restPerWork
    await (restMs >= 1 ? sleep(restMs) : nextTurn())
    began = performance.now()
    return read()
  }
}
