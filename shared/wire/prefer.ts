/** What a client prefers, as far as this service can do it. Source: RFC 7240. */
export interface Preferences {
  /** `respond-async`: answer before the work is done. */
  readonly respondAsync: boolean
  /** `wait=N`: seconds that the client is willing to wait for the end; null when it did not say. */
  readonly waitS: number | null
}

/** What a client prefers that sends no such header. */
export const noPreferences: Preferences = { respondAsync: false, waitS: null }

/** What stands between two commas, or two semicolons, that are not in quotes. */
const wishes = /(?:[^,"]|"(?:[^"\\]|\\.)*"?)+/g
const beforeParameters = /^(?:[^;"]|"(?:[^"\\]|\\.)*"?)*/

/** A name, and a value that may be in quotes; there may be blanks around the equals sign. */
const nameAndValue = /^[ \t]*([^\s=]+)[ \t]*(?:=[ \t]*"?([^"]*?)"?)?[ \t]*$/

/**
 * Reads a `Prefer` header. A preference that is not understood is ignored, as the RFC asks: it is a wish, not
 * a condition. Of two with one name the first counts.
 */
export function preferencesOf(header: string): Preferences {
  const values = new Map<string, string>()
  for (const wish of header.match(wishes) ?? []) {
    const [, name, value = ''] = nameAndValue.exec(beforeParameters.exec(wish)?.[0] ?? '') ?? []
    const known = name?.toLowerCase()
    if (known !== undefined && !values.has(known)) values.set(known, value)
  }
  const wait = values.get('wait') ?? ''
  return {
    respondAsync: values.get('respond-async') === '',
    waitS: /^[0-9]{1,6}$/.test(wait) ? Number(wait) : null,
  }
}
