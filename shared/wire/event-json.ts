import { z } from 'zod'
import {
  accountEventTypes,
  eventTypes,
  transactionEventTypes,
  type EventPosition,
  type LedgerEvent,
} from '../engine/event.ts'
import { accountJson, accountJsonSchema } from './account-json.ts'
import { timeJson, uuid } from './fields.ts'
import { pageParameters } from './paging.ts'
import { exampleTransaction, transactionJson, transactionJsonSchema } from './transaction-json.ts'

const exampleTime = '2026-01-31T12:00:00.000Z'
const exampleCursor = 'xF0r6cZ8…'

const envelope = {
  id: z.string().meta({
    description:
      'The same however often and by whatever way it is told: what a receiver tells repeats by.',
    example: 'evt_822083585',
  }),
  created_at: z.iso.datetime(),
}

/** What an event says of an account: its balance is not of one moment, and left out. */
const accountDescriptionSchema = accountJsonSchema
  .omit({ balance: true, available: true, version: true })
  .meta({ id: 'AccountDescription' })

const exampleTransactionEvent = {
  id: 'evt_822083585',
  type: 'transaction.posted',
  created_at: exampleTime,
  data: exampleTransaction,
}

/** An event as the API, its stream and webhooks tell it. */
export const eventJsonSchema = z
  .union([
    z
      .strictObject({
        ...envelope,
        type: z.enum(transactionEventTypes),
        data: transactionJsonSchema,
      })
      .meta({ id: 'TransactionEvent' }),
    z
      .strictObject({
        ...envelope,
        type: z.enum(accountEventTypes),
        data: accountDescriptionSchema,
      })
      .meta({ id: 'AccountEvent' }),
  ])
  .meta({
    id: 'Event',
    description: '`data` is the transaction or account as it was when the event happened.',
    examples: [exampleTransactionEvent],
  })
export type EventJson = z.input<typeof eventJsonSchema>

/** A page of events. It always says where to go on. */
export const eventPageSchema = z
  .strictObject({
    items: z.array(eventJsonSchema),
    next_cursor: z.string().meta({ description: '`after` of the next request: never null.' }),
    has_more: z.boolean().meta({ description: 'Whether there may be more right now.' }),
  })
  .meta({
    id: 'EventPage',
    examples: [{ items: [exampleTransactionEvent], next_cursor: exampleCursor, has_more: false }],
  })
export type EventPageJson = z.input<typeof eventPageSchema>

/** Which events are wanted. */
const eventFilter = {
  type: z.enum(eventTypes).optional(),
  account_id: uuid
    .optional()
    .meta({ description: 'Of this account, and of transactions that name it.' }),
}

/** The place to go on from. */
const eventPlace = {
  after: z.string().max(200, 'is not a cursor of events').optional().meta({
    description:
      '`next_cursor` of the page before, with the same filters; `now`: what happens from now on. Without it: from the oldest that is kept.',
  }),
}

/** The query of the list of events. */
export const eventQuery = z.strictObject({
  ...eventPlace,
  ...eventFilter,
  limit: pageParameters.limit,
})

const idPrefix = 'evt_'

/** The id of the event at a position. */
export function eventId(position: EventPosition): string {
  return `${idPrefix}${position}`
}

/** The position of the event that has an id; undefined when no event has it. */
export function positionOfEvent(id: string): EventPosition | undefined {
  if (!/^evt_(?:0|[1-9][0-9]{0,18})$/.test(id)) return undefined
  const position = BigInt(id.slice(idPrefix.length))
  return position < 2n ** 63n ? position : undefined
}

/** The query of the stream. */
export const streamQuery = z.strictObject({ ...eventPlace, ...eventFilter })

/** What a client of the stream sends when it comes back. */
export const streamHeaders = z.looseObject({
  'Last-Event-ID': z.string().optional().meta({
    description: 'The `id` of the last event that was received: goes before `after`.',
  }),
})

/** A stream as the documentation shows it. */
export const exampleStream =
  'retry: 2000\n\n' +
  `id: ${exampleCursor}\nevent: transaction.posted\n` +
  `data: ${JSON.stringify(exampleTransactionEvent)}\n\n`

/** Writes an event. */
export function eventJson(event: LedgerEvent): EventJson {
  const id = eventId(event.position)
  const created_at = timeJson(event.createdAt)
  if (!('account' in event)) {
    return { id, type: event.type, created_at, data: transactionJson(event.transaction) }
  }
  const { balance: _b, available: _a, version: _v, ...data } = accountJson(event.account)
  return { id, type: event.type, created_at, data }
}
