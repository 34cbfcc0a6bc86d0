import { Queue as BullQueue } from 'bullmq'
import type { LedgerSlot } from '../engine/slot.ts'
import type { Doorbell } from './queue.ts'
import { groupOf, keyPrefix, queueName } from './queue-group.ts'
import type { RedisClient } from './redis-connection.ts'
import { withinDeadline } from '../engine/within-deadline.ts'

/** What a job says: which slots rang. It carries no amounts, names or keys. */
export interface RingJob {
  /** How many queues the ringing process counts with; a slot's group follows from it. */
  readonly queues: number
  readonly slots: readonly number[]
}

/** How long a ring may be on its way before the next one of its group may leave all the same. */
const ringTimeoutMs = 2000

/** Finished jobs that are kept for people to look at, a queue. */
const finishedJobsMax = 200

/** The most slots that a job's name lists. */
const slotsNamedMax = 8

interface Group {
  queue: BullQueue | undefined
  readonly slots: Set<number>
  ringing: boolean
}

/**
 * Rings through BullMQ: one job a group of slots, at most one waiting and one on its way. Nothing is ever awaited by a
 * caller, and a ring that fails is forgotten: the sweep finds the work a second later.
 */
export class BullmqDoorbell implements Doorbell {
  readonly #client: RedisClient
  readonly #namespace: string
  readonly #groups: readonly Group[]
  #closed = false

  constructor(client: RedisClient, namespace: string, queues: number) {
    this.#client = client
    this.#namespace = namespace
    this.#groups = Array.from({ length: queues }, () => ({
      queue: undefined,
      slots: new Set<number>(),
      ringing: false,
    }))
    // What rang in vain while Redis was away rings again when it is back.
    client.on('ready', () => {
      for (const group of this.#groups.keys()) this.#ringGroup(group)
    })
  }

  ring(slots: readonly LedgerSlot[]): void {
    const groups = new Set<number>()
    for (const { slot } of slots) {
      const group = groupOf(slot, this.#groups.length)
      this.#groups[group]?.slots.add(slot)
      groups.add(group)
    }
    for (const group of groups) this.#ringGroup(group)
  }

  async close(): Promise<void> {
    this.#closed = true
    const queues = this.#groups.flatMap(({ queue }) => queue ?? [])
    await Promise.allSettled(queues.map((queue) => queue.close()))
  }

  #ringGroup(number: number): void {
    const group = this.#groups[number]
    if (group === undefined || group.ringing || group.slots.size === 0 || this.#closed) return
    // A Queue that is made while Redis is away never comes back from `add`.
    if (this.#client.status !== 'ready') return
    group.ringing = true
    const slots = [...group.slots].toSorted((a, b) => a - b)
    group.slots.clear()
    withinDeadline(ringTimeoutMs, this.#add(number, group, slots))
      .catch(() => undefined)
      .finally(() => {
        group.ringing = false
        this.#ringGroup(number)
      })
      .catch(() => undefined)
  }

  async #add(number: number, group: Group, slots: readonly number[]): Promise<void> {
    group.queue ??= new BullQueue(queueName(number), {
      connection: this.#client,
      prefix: keyPrefix(number, this.#namespace),
      skipVersionCheck: true,
      defaultJobOptions: {
        removeOnComplete: { count: finishedJobsMax },
        removeOnFail: { count: finishedJobsMax },
      },
    }).on('error', () => undefined)
    const job: RingJob = { queues: this.#groups.length, slots }
    await group.queue.add(jobName(slots), job, {
      // One waits at the most; what rings while one is being answered is answered after it.
      deduplication: { id: 'ring', keepLastIfActive: true },
    })
  }
}

/** Names a job so that a list of jobs is worth looking at. */
function jobName(slots: readonly number[]): string {
  const named = slots.slice(0, slotsNamedMax).join(', ')
  const more = slots.length > slotsNamedMax ? ` and ${slots.length - slotsNamedMax} more` : ''
  return `${slots.length === 1 ? 'slot' : 'slots'} ${named}${more}`
}
