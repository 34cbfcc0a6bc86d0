/** What a client prefers, as far as this service can do it. Source: RFC 7240. */
export interface Preferences {
  /** `respond-async`: answer before the work is done. */
  readonly respondAsync: boolean
  /** `wait=N`: seconds that the client is willing to wait for the end; null when it did not say. */
  readonly waitS: number | null
}

const none: Preferences = { respondAsync: false, waitS: null }

/**
 * Reads a `Prefer` header. A preference that is not understood is ignored, as the RFC asks: it is a wish, not
 * a condition.
 */
export function preferencesOf(header: string | string[] | undefined): Preferences {
  if (header === undefined) return none
  const wishes = [header]
    .flat()
    .join(',')
    .split(',')
    .map((wish) => (wish.split(';', 1)[0] ?? '').trim())
  const waits = wishes.map((wish) => /^wait="?([0-9]{1,6})"?$/i.exec(wish)?.[1])
  const wait = waits.find((value) => value !== undefined)
  return {
    respondAsync: wishes.some((wish) => wish.toLowerCase() === 'respond-async'),
    waitS: wait === undefined ? null : Number(wait),
  }
}
