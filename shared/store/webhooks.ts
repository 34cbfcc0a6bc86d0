import type {
  DeliveryStatus,
  EndpointStatus,
  WebhookDelivery,
  WebhookEndpoint,
} from '../webhooks/endpoint.ts'
import type { Witness } from '../engine/audit-record.ts'
import { recordSteps } from './audit-log.ts'
import type { BooksClock } from './books-clock.ts'
import type { Parameter, Reader, Statement } from './reader.ts'
import { deliveryColumns, deliveryOf, endpointColumns, endpointOf } from './webhook-rows.ts'
import type { Step, Writer } from './writer.ts'

/** What a store lends to the webhooks. */
export type WebhookAccess = Reader & Writer & BooksClock

/** One page of a list: newest first, everything before `before`. */
interface Page<Key> {
  readonly before: Key | undefined
  readonly size: number
}

/** What an operator makes of an endpoint. */
export interface NewEndpoint {
  readonly ledgerId: number
  readonly id: string
  readonly url: string
  readonly types: readonly string[] | null
  readonly description: string | null
  readonly secret: string
  /** It is sent what happens behind this position. */
  readonly position: bigint
  readonly createdAt: number
}

/** What may be changed of an endpoint; what is left out stays. */
export interface EndpointChange {
  readonly url?: string
  readonly types?: readonly string[] | null
  readonly description?: string | null
  readonly status?: EndpointStatus
}

/** Which deliveries are to be made again. */
export interface RedeliveryWish {
  readonly status: Exclude<DeliveryStatus, 'pending'>
  /** Of events from this time on; ms since 1970. */
  readonly since: number
  readonly countMax: number
}

/** Through `webhook_endpoints_pkey`, newest first: ids are in the order of time. */
const endpointPage: Statement = {
  name: 'webhook_endpoint_page',
  text: `select ${endpointColumns} from webhook_endpoints
          where ledger_id = $1 and id < $2 order by id desc limit $3`,
}

const endpointById: Statement = {
  name: 'webhook_endpoint_by_id',
  text: `select ${endpointColumns} from webhook_endpoints where ledger_id = $1 and id = $2`,
}

const insertEndpoint: Statement = {
  name: 'insert_webhook_endpoint',
  text: `insert into webhook_endpoints (ledger_id, id, url, types, description, status, secret, position, revision, created_at)
         values ($1, $2, $3, $4, $5, 'enabled', $6, $7, 0, $8) returning id`,
}

const deleteEndpoint: Statement = {
  name: 'delete_webhook_endpoint',
  text: `delete from webhook_endpoints where ledger_id = $1 and id = $2 returning id`,
}

/** The secret that is taken by another signs for some time more; the one before it no longer. */
const rotateSecret: Statement = {
  name: 'rotate_webhook_secret',
  text: `update webhook_endpoints
            set previous_secret = secret, previous_until = $4, secret = $3, revision = revision + 1
          where ledger_id = $1 and id = $2 returning id`,
}

/** Through `webhook_deliveries_pkey`, or `webhook_deliveries_open` for what is not delivered. */
const deliveryPage = (isOpen: boolean, status: string): Statement => ({
  name: isOpen ? 'webhook_open_delivery_page' : 'webhook_delivery_page',
  text: `select ${deliveryColumns} from webhook_deliveries
          where ledger_id = $1 and endpoint_id = $2 and position < $3 ${status}
          order by webhook_deliveries.position desc limit $4`,
})
const anyDeliveries = deliveryPage(false, '')
const deliveredOnes = deliveryPage(false, `and status = 'delivered'`)
const openDeliveries = deliveryPage(true, `and status = $5 and status <> 'delivered'`)

const deliveryAt: Statement = {
  name: 'webhook_delivery_at',
  text: `select ${deliveryColumns} from webhook_deliveries
          where ledger_id = $1 and endpoint_id = $2 and position = $3`,
}

const redeliverOne: Statement = {
  name: 'redeliver_webhook',
  text: `update webhook_deliveries set status = 'pending', attempts = 0, next_attempt_at = $4
          where ledger_id = $1 and endpoint_id = $2 and position = $3 returning position`,
}

/** In pieces: events are in the order of time, nearly, so the newest of a status are those since a time. */
const redeliverSome: Statement = {
  name: 'redeliver_webhooks',
  text: `update webhook_deliveries set status = 'pending', attempts = 0, next_attempt_at = $4
          where ledger_id = $1 and endpoint_id = $2 and position in (
                select position from webhook_deliveries
                 where ledger_id = $1 and endpoint_id = $2 and status = $3 and event_at >= $5
                 order by position limit $6)
         returning position`,
}

const bumpRevision: Statement = {
  name: 'bump_webhook_revision',
  text: `update webhook_endpoints set revision = revision + 1
          where ledger_id = $1 and id = $2 returning id`,
}

/** What operators do with the endpoints of a ledger and the deliveries to them. Failures are `StoreFailure`. */
export class Webhooks {
  readonly #access: WebhookAccess

  constructor(access: WebhookAccess) {
    this.#access = access
  }

  /** One database transaction of one statement. */
  async add(endpoint: NewEndpoint, witness?: Witness): Promise<void> {
    const { ledgerId, id, url, types, description, secret, position, createdAt } = endpoint
    const written = types === null ? null : JSON.stringify(types)
    const at = this.#access.timeParameter(createdAt)
    await this.#access.apply([
      step(insertEndpoint, [ledgerId, id, url, written, description, secret, String(position), at]),
      ...recorded(id, witness),
    ])
  }

  async find(ledgerId: number, id: string): Promise<WebhookEndpoint | undefined> {
    const [row] = await this.#access.rows(endpointById, [ledgerId, id])
    return row === undefined ? undefined : endpointOf(row)
  }

  async list(ledgerId: number, { before, size }: Page<string>): Promise<WebhookEndpoint[]> {
    const rows = await this.#access.rows(endpointPage, [ledgerId, before ?? lastId, size])
    return rows.map(endpointOf)
  }

  /** Changes an endpoint; undefined when there is none. Two round trips. */
  async change(
    ledgerId: number,
    id: string,
    change: EndpointChange,
    { now, witness }: { readonly now: number; readonly witness?: Witness | undefined },
  ): Promise<WebhookEndpoint | undefined> {
    const values = this.#columnsOf(change, now)
    const names = Object.keys(values)
    if (names.length === 0) return this.find(ledgerId, id)
    const sets = names.map((name, index) => `${name} = $${index + 3}`)
    const statement = {
      name: `change_webhook_${names.join('_')}`,
      text: `update webhook_endpoints set ${[...sets, 'revision = revision + 1'].join(', ')}
              where ledger_id = $1 and id = $2 returning id`,
    }
    const done = await this.#access.apply([
      step(statement, [ledgerId, id, ...Object.values(values)]),
      ...recorded(id, witness),
    ])
    return done === undefined ? undefined : this.find(ledgerId, id)
  }

  /** Lets another secret sign, and the one before for some time more; false when there is no such endpoint. */
  async rotate(
    ledgerId: number,
    id: string,
    { secret, previousUntil }: { readonly secret: string; readonly previousUntil: number },
    witness?: Witness,
  ): Promise<boolean> {
    const until = this.#access.timeParameter(previousUntil)
    const done = await this.#access.apply([
      step(rotateSecret, [ledgerId, id, secret, until]),
      ...recorded(id, witness),
    ])
    return done !== undefined
  }

  /** Removes an endpoint; what was delivered to it goes with the log's own time. False when there is none. */
  async remove(ledgerId: number, id: string, witness?: Witness): Promise<boolean> {
    const done = await this.#access.apply([
      step(deleteEndpoint, [ledgerId, id]),
      ...recorded(id, witness),
    ])
    return done !== undefined
  }

  async deliveries(
    endpoint: Pick<WebhookEndpoint, 'ledgerId' | 'id'>,
    status: DeliveryStatus | undefined,
    { before, size }: Page<bigint>,
  ): Promise<WebhookDelivery[]> {
    const from = String(before ?? lastPosition)
    const common = [endpoint.ledgerId, endpoint.id, from, size]
    const rows =
      status === undefined || status === 'delivered'
        ? await this.#access.rows(status === undefined ? anyDeliveries : deliveredOnes, common)
        : await this.#access.rows(openDeliveries, [...common, status])
    return rows.map(deliveryOf)
  }

  /** Has one delivery made again, whatever became of it before; undefined when there is none. Three round trips. */
  async redeliver(
    { ledgerId, id }: Pick<WebhookEndpoint, 'ledgerId' | 'id'>,
    position: bigint,
    { now, witness }: { readonly now: number; readonly witness?: Witness | undefined },
  ): Promise<WebhookDelivery | undefined> {
    const key = [ledgerId, id, String(position)]
    const at = this.#access.timeParameter(now)
    await this.#access.apply([
      step(bumpRevision, [ledgerId, id]),
      step(redeliverOne, [...key, at]),
      ...recorded(id, witness),
    ])
    const [row] = await this.#access.rows(deliveryAt, key)
    return row === undefined ? undefined : deliveryOf(row)
  }

  /** Has the oldest deliveries of a status made again, and says how many. One database transaction. */
  async redeliverSince(
    { ledgerId, id }: Pick<WebhookEndpoint, 'ledgerId' | 'id'>,
    { status, since, countMax }: RedeliveryWish,
    { now, witness }: { readonly now: number; readonly witness?: Witness | undefined },
  ): Promise<number> {
    const time = (ms: number) => this.#access.timeParameter(ms)
    const done = await this.#access.apply([
      step(bumpRevision, [ledgerId, id]),
      ...recorded(id, witness),
      step(redeliverSome, [ledgerId, id, status, time(now), time(since), countMax]),
    ])
    return done?.length ?? 0
  }

  #columnsOf({ url, types, description, status }: EndpointChange, now: number) {
    const at = this.#access.timeParameter(now)
    const standing: Record<string, Parameter> =
      status === 'disabled'
        ? { status, disabled_reason: 'operator', disabled_at: at }
        : { status: 'enabled', disabled_reason: null, disabled_at: null, failing_since: null }
    return {
      ...(url === undefined ? {} : { url }),
      ...(types === undefined ? {} : { types: types === null ? null : JSON.stringify(types) }),
      ...(description === undefined ? {} : { description }),
      ...(status === undefined ? {} : standing),
    } satisfies Record<string, Parameter>
  }
}

/** Above every id, and above every position: where a list begins. */
const lastId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'
const lastPosition = 2n ** 63n - 1n

function recorded(id: string, witness: Witness | undefined): readonly Step[] {
  return recordSteps(witness?.({ kind: 'webhook', id, end: 'done' }))
}

function step(statement: Statement, parameters: Step['parameters']): Step {
  return { statement, parameters }
}
