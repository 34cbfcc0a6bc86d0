/** The longest that work waits for its turns: turns in which others have much to do are few, and let as many in. */
const waitMsMax = 15

/**
 * Does some work after so many turns of the event loop, one at the least, or as many as fit into a few milliseconds. In each,
 * whoever has waited for the process is served; a turn in which nobody has costs a microsecond.
 */
export function afterTurns(turns: number, work: () => void): void {
  const until = performance.now() + waitMsMax
  const next = (left: number) => {
    setImmediate(() => {
      if (left > 1 && performance.now() < until) next(left - 1)
      else work()
    })
  }
  next(turns)
}
