import type { IncomingHttpHeaders } from 'node:http'
import type { Traced } from '../engine/traced.ts'

/** What a batch did. */
export type BatchWork = 'post' | 'accept' | 'drain'

/** The span of a request. */
export interface RequestSpan {
  /** What continues from it; undefined where the trace is not recorded. */
  readonly traceparent: string | undefined
  /** Says how it ended; `route` is the pattern, never the address. */
  end(about: { method: string; route: string; status: number; requestId: string }): void
}

/**
 * What traces are made of. A request is a span, continued from its `traceparent` if it has one; so is what a batch did for each of its
 * members, in the trace that the member came with, also when it has come through the queue; and so is the batch, which is
 * linked with all of them. Must not throw.
 */
export interface Tracing {
  request(headers: IncomingHttpHeaders): RequestSpan
  /** Records a batch that is done, now, after `tookMs`. Of members that are not traced nothing is recorded. */
  batch(work: BatchWork, members: readonly Traced[], tookMs: number): void
  /** Sends what is left, within a few seconds, and records nothing after that. */
  close(): Promise<void>
}
