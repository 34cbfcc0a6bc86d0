import { setTimeout as sleep } from 'node:timers/promises'

const pauseMs = 10

/** Asks again and again until the answer is neither undefined nor false, and gives it. Throws when that takes too long. */
export async function until<Found>(
  what: string,
  ask: () => Promise<Found | undefined | false> | Found | undefined | false,
  timeoutMs = 10_000,
): Promise<Found> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const found = await ask()
    if (found !== undefined && found !== false) return found
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`)
    await sleep(pauseMs)
  }
}
