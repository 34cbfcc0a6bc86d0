import { z } from 'zod'
import type { BacklogReading } from '../engine/backlog-monitor.ts'
import { line } from './fields.ts'
import { transactionJsonSchema } from './transaction-json.ts'

/** The body by which an operator refuses a parked transaction. */
export const refuseRequest = z
  .strictObject({
    reason: line(500).meta({ description: 'Kept with the transaction.', example: 'Duplicate.' }),
  })
  .meta({ id: 'RefuseRequest', examples: [{ reason: 'Duplicate of another payment.' }] })

/** What waits in a group of slots. */
const groupJsonSchema = z.strictObject({
  queue: z.string(),
  backlog: z.int(),
  parked: z.int(),
  oldest_age_ms: z.int(),
})

/** The queue as the API shows it. */
export const queueJsonSchema = z
  .strictObject({
    backlog: z.int().meta({ description: 'How many are queued.' }),
    oldest_age_ms: z.int().meta({ description: 'Age of the oldest; 0 when nothing is queued.' }),
    drain_rate: z.number().meta({ description: 'How many have ended a second, of late.' }),
    parked: z.int(),
    groups: z.array(groupJsonSchema),
    parked_transactions: z
      .array(transactionJsonSchema)
      .meta({ description: 'The newest parked ones; `/api/v1/queue/parked` lists all.' }),
  })
  .meta({
    id: 'Queue',
    examples: [
      {
        backlog: 12,
        oldest_age_ms: 35,
        drain_rate: 480.5,
        parked: 0,
        groups: [{ queue: 'posting-0', backlog: 12, parked: 0, oldest_age_ms: 35 }],
        parked_transactions: [],
      },
    ],
  })

/** Writes the queue as it was counted, its slots gathered in `queues` groups. */
export function queueJson(
  reading: BacklogReading,
  drainRate: number,
  queues: number,
  now: number,
): Omit<z.input<typeof queueJsonSchema>, 'parked_transactions'> {
  const age = (at: number) => Math.max(0, now - at)
  const groups = Array.from({ length: queues }, (_, group) => {
    const slots = reading.slots.filter(({ slot }) => slot % queues === group)
    return {
      queue: `posting-${group}`,
      backlog: slots.reduce((sum, { queued }) => sum + queued, 0),
      parked: slots.reduce((sum, { parked }) => sum + parked, 0),
      oldest_age_ms: Math.max(0, ...slots.map(({ oldestAt }) => age(oldestAt))),
    }
  })
  return {
    backlog: reading.queued,
    oldest_age_ms: reading.oldestAt === null ? 0 : age(reading.oldestAt),
    drain_rate: Math.round(drainRate * 10) / 10,
    parked: reading.parked,
    groups,
  }
}
