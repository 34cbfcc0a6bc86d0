import type { Queue as BullQueue } from 'bullmq'
import type { RingReport } from '../engine/drain-rounds.ts'
import type { LedgerSlot } from '../engine/slot.ts'

/**
 * The doorbell of the queue. What waits is in the database; a ring only says where, so that a worker need not look
 * everywhere all the time. Rings may be lost, doubled or late: the workers' sweep finds what they miss.
 */
export interface Doorbell {
  /** Says that slots have new work. Takes no time, never throws, is never awaited by a request. */
  ring(slots: readonly LedgerSlot[]): void
  close(): Promise<void>
}

/** A worker's side of the doorbell. */
export interface DoorbellListener {
  close(): Promise<void>
}

/** Answers a ring: drains some slots of all ledgers, and reports for whoever looks at the queue. */
export type AnswerRing = (slots: readonly number[]) => Promise<RingReport>

/**
 * Word of what has ended, from whoever drained it to whoever waits for it. It may be lost: those who wait also look
 * into the database from time to time.
 */
export interface EndedNews {
  /** Tells the ids of transactions that have ended. Takes no time, never throws. */
  tell(ids: readonly string[]): void
  /** Hears ids from all processes, this one included. Gives the way to stop hearing them. */
  hear(listener: (ids: readonly string[]) => void): () => void
  close(): Promise<void>
}

/** Counts that all processes add to, each for a short time. */
export interface SharedCounts {
  /** Adds to counts, and gives what each is then; a count ends `lifeMs` after it was last added to. Rejects when nothing was told. */
  add(
    counts: readonly { readonly key: string; readonly by: number }[],
    lifeMs: number,
  ): Promise<readonly number[]>
}

/** The queue's transport: in this process, or Redis between processes. */
export interface Queue {
  /** What carries the rings, for people; never a password. */
  readonly description: string
  readonly doorbell: Doorbell
  readonly news: EndedNews
  /** Starts to answer rings. */
  listen(answer: AnswerRing): Promise<DoorbellListener>
  /** BullMQ's queues, for a board to show; undefined where there are none. Each call makes them anew. */
  readonly board?: () => readonly BullQueue[]
  /** Counts between processes; undefined where there is one process. */
  readonly counts?: SharedCounts
  /** Whether the transport is there right now; without it, work is found by sweeping. */
  isConnected(): boolean
  close(): Promise<void>
}
