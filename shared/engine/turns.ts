/**
 * Does some work after so many turns of the event loop, one at the least. In each, whoever has waited for the process is
 * served; a turn in which nobody has costs a microsecond.
 */
export function afterTurns(turns: number, work: () => void): void {
  setImmediate(() => {
    if (turns > 1) afterTurns(turns - 1, work)
    else work()
  })
}
