/** Something that a trace leads through: the W3C `traceparent` of the request that it came with, when that is traced. */
export interface Traced {
  readonly traceparent?: string | undefined
}

/** The same thing as a part of a trace; itself where there is none. */
export function traced<Thing extends Traced>(
  thing: Thing,
  traceparent: string | null | undefined,
): Thing {
  return traceparent === null || traceparent === undefined ? thing : { ...thing, traceparent }
}
