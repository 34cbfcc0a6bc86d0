import { setTimeout as sleep } from 'node:timers/promises'

const pollMs = 50

/** Asks until the answer is yes; rejects, saying what was waited for, when it is still no at the deadline. */
export async function until(
  what: string,
  deadlineMs: number,
  isSo: () => boolean | Promise<boolean>,
): Promise<number> {
  const begun = performance.now()
  for (;;) {
    if (await isSo()) return performance.now() - begun
    if (performance.now() - begun > deadlineMs) {
      throw new Error(`not within ${deadlineMs} ms: ${what}`)
    }
    await sleep(pollMs)
  }
}
