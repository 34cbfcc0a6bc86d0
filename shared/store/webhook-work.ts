import type { DisabledReason, WebhookDelivery, WebhookEndpoint } from '../webhooks/endpoint.ts'
import type { Parameter, Statement } from './reader.ts'
import { deliveryColumns, deliveryOf, endpointColumns, endpointOf } from './webhook-rows.ts'
import type { WebhookAccess } from './webhooks.ts'
import type { Step } from './writer.ts'

type EndpointKey = Pick<WebhookEndpoint, 'ledgerId' | 'id'>

/** What a sender has done for an endpoint since it last wrote it down. */
export interface EndpointProgress {
  readonly position: bigint
  readonly failingSince: number | null
  /** Set when the endpoint is to be sent nothing more. */
  readonly disabled: { readonly reason: DisabledReason; readonly at: number } | undefined
  readonly deliveries: readonly WebhookDelivery[]
}

/** How many rows one statement writes; each number of rows is a statement of its own, so there are few. */
const rowsAtOnce = [100, 10, 1] as const

/** Takes endpoints that nobody sends to, or whose sender has not been heard of for the time of its lease. */
const claimEndpoints: Statement = {
  name: 'claim_webhook_endpoints',
  text: `update webhook_endpoints set lease_owner = $1, lease_until = $2
          where status = 'enabled' and (lease_until is null or lease_until < $3)
            and (ledger_id, id) in (
                select ledger_id, id from webhook_endpoints
                 where status = 'enabled' and (lease_until is null or lease_until < $3) limit $4)
         returning ${endpointColumns}`,
}

const renewLeases: Statement = {
  name: 'renew_webhook_leases',
  text: `update webhook_endpoints set lease_until = $2
          where lease_owner = $1 and status = 'enabled' returning ${endpointColumns}`,
}

const releaseLeases: Statement = {
  name: 'release_webhook_leases',
  text: `update webhook_endpoints set lease_owner = null, lease_until = null
          where lease_owner = $1 returning id`,
}

/** Deliveries that are not done, oldest first, through `webhook_deliveries_open`. */
const pendingPage: Statement = {
  name: 'pending_webhook_deliveries',
  text: `select ${deliveryColumns} from webhook_deliveries
          where ledger_id = $1 and endpoint_id = $2 and status = 'pending' and status <> 'delivered'
          order by webhook_deliveries.position limit $3`,
}

/** Events that are done or written down although the reading has not come so far, through `webhook_deliveries_pkey`. */
const knownBehind: Statement = {
  name: 'webhook_deliveries_behind',
  text: `select cast(position as text) as position from webhook_deliveries
          where ledger_id = $1 and endpoint_id = $2 and position > $3`,
}

/** Only for who has the lease: a sender that was paused writes nothing over the one that took its place. */
const noteProgress: Statement = {
  name: 'note_webhook_progress',
  text: `update webhook_endpoints set position = $4, failing_since = $5
          where ledger_id = $1 and id = $2 and lease_owner = $3 returning id`,
}

const disableEndpoint: Statement = {
  name: 'disable_webhook_endpoint',
  text: `update webhook_endpoints
            set status = 'disabled', disabled_reason = $4, disabled_at = $5, revision = revision + 1
          where ledger_id = $1 and id = $2 and lease_owner = $3 returning id`,
}

const columns = [
  'ledger_id',
  'endpoint_id',
  'position',
  'event_type',
  'event_at',
  'account_ids',
  'status',
  'attempts',
  'last_attempt_at',
  'last_status_code',
  'last_error',
  'next_attempt_at',
  'delivered_at',
] as const

const changing = columns.slice(6)

const saveDeliveries = new Map(
  rowsAtOnce.map((count) => {
    const row = (index: number) =>
      `(${columns.map((_, column) => `$${index * columns.length + column + 1}`).join(', ')})`
    const values = Array.from({ length: count }, (_, index) => row(index)).join(', ')
    const text = `insert into webhook_deliveries (${columns.join(', ')}) values ${values}
      on conflict (ledger_id, endpoint_id, position) do update
      set ${changing.map((column) => `${column} = excluded.${column}`).join(', ')}
      returning position`
    return [count, { name: `save_webhook_deliveries_${count}`, text }] as const
  }),
)

/** The next endpoint that has a log, and whether it is still there: steps over `webhook_deliveries_pkey`. */
const nextLog: Statement = {
  name: 'next_webhook_log',
  text: `select d.ledger_id, d.endpoint_id,
                (select count(*) from webhook_endpoints e
                  where e.ledger_id = d.ledger_id and e.id = d.endpoint_id) as endpoints
           from webhook_deliveries d
          where (d.ledger_id, d.endpoint_id) > ($1, $2)
          order by d.ledger_id, d.endpoint_id limit 1`,
}

/** The oldest piece of a log, as far as it is from before a time, through `webhook_deliveries_pkey`. */
const pruneLog: Statement = {
  name: 'prune_webhook_log',
  text: `delete from webhook_deliveries
          where ledger_id = $1 and endpoint_id = $2 and position in (
                select oldest.position
                  from (select position, event_at from webhook_deliveries
                         where ledger_id = $1 and endpoint_id = $2 order by position limit $4) oldest
                 where oldest.event_at < $3)
         returning position`,
}

/** How many rows one statement forgets, and below every endpoint: where a pass over the logs begins. */
const pruneSize = 1000
const firstLog: EndpointKey = { ledgerId: 0, id: '00000000-0000-0000-0000-000000000000' }

/** What senders read and write. Endpoints are leased, so that one process sends to each. Failures are `StoreFailure`. */
export class WebhookWork {
  readonly #access: WebhookAccess

  constructor(access: WebhookAccess) {
    this.#access = access
  }

  /**
   * Keeps what `owner` has, and takes what nobody has, up to `claimsMax`; gives all that it then has until `leaseMs` from now by
   * the database's clock. Three round trips.
   */
  async lease(owner: string, leaseMs: number, claimsMax: number): Promise<WebhookEndpoint[]> {
    const now = await this.#access.now()
    const until = this.#access.timeParameter(now + leaseMs)
    const kept = await this.#apply(renewLeases, [owner, until])
    const nowParameter = this.#access.timeParameter(now)
    const taken = await this.#apply(claimEndpoints, [owner, until, nowParameter, claimsMax])
    return [...kept, ...taken].map(endpointOf)
  }

  async release(owner: string): Promise<void> {
    await this.#apply(releaseLeases, [owner])
  }

  /** The oldest deliveries that are not done, up to `size`. */
  async pending({ ledgerId, id }: EndpointKey, size: number): Promise<WebhookDelivery[]> {
    const rows = await this.#access.rows(pendingPage, [ledgerId, id, size])
    return rows.map(deliveryOf)
  }

  /** The positions behind an endpoint's own that have a row. */
  async knownBehind({
    ledgerId,
    id,
    position,
  }: EndpointKey & Pick<WebhookEndpoint, 'position'>): Promise<Set<bigint>> {
    const rows = await this.#access.rows(knownBehind, [ledgerId, id, String(position)])
    return new Set(rows.map((row) => BigInt(row['position'] as string)))
  }

  /** Writes down what was done, all or nothing; false when `owner` does not have the endpoint any more. */
  async save(
    { ledgerId, id }: EndpointKey,
    owner: string,
    { position, failingSince, disabled, deliveries }: EndpointProgress,
  ): Promise<boolean> {
    const key = [ledgerId, id, owner]
    const steps: Step[] = [
      {
        statement: noteProgress,
        parameters: [...key, String(position), this.#timeOrNull(failingSince)],
      },
      ...this.#deliverySteps(ledgerId, id, deliveries),
    ]
    if (disabled !== undefined) {
      const at = this.#access.timeParameter(disabled.at)
      steps.push({ statement: disableEndpoint, parameters: [...key, disabled.reason, at] })
    }
    return (await this.#access.apply(steps)) !== undefined
  }

  /** Forgets deliveries of events before a time (ms since 1970), and all of endpoints that are gone, in small pieces. */
  async prune(before: number, signal: AbortSignal): Promise<void> {
    for (let log = await this.#logAfter(firstLog); log !== undefined && !signal.aborted;) {
      const cut = this.#access.timeParameter(log.isGone ? Date.now() : before)
      const gone = await this.#apply(pruneLog, [log.ledgerId, log.id, cut, pruneSize])
      if (gone.length < pruneSize) log = await this.#logAfter(log)
    }
  }

  async #logAfter({ ledgerId, id }: EndpointKey) {
    const [row] = await this.#access.rows(nextLog, [ledgerId, id])
    if (row === undefined) return undefined
    const [nextLedger, endpoint] = [row['ledger_id'] as number, row['endpoint_id'] as string]
    return { ledgerId: nextLedger, id: endpoint, isGone: Number(row['endpoints']) === 0 }
  }

  #deliverySteps(ledgerId: number, id: string, deliveries: readonly WebhookDelivery[]): Step[] {
    const steps: Step[] = []
    for (let done = 0; done < deliveries.length;) {
      const count = rowsAtOnce.find((rows) => rows <= deliveries.length - done) ?? 1
      const statement = saveDeliveries.get(count)
      if (statement === undefined) throw new Error('every number of rows has its statement')
      const parameters = deliveries
        .slice(done, done + count)
        .flatMap((delivery) => this.#valuesOf(ledgerId, id, delivery))
      steps.push({ statement, parameters })
      done += count
    }
    return steps
  }

  #valuesOf(ledgerId: number, id: string, delivery: WebhookDelivery): Parameter[] {
    return [
      ledgerId,
      id,
      String(delivery.position),
      delivery.eventType,
      this.#access.timeParameter(delivery.eventAt),
      JSON.stringify(delivery.accountIds),
      delivery.status,
      delivery.attempts,
      this.#timeOrNull(delivery.lastAttemptAt),
      delivery.lastStatusCode,
      delivery.lastError,
      this.#timeOrNull(delivery.nextAttemptAt),
      this.#timeOrNull(delivery.deliveredAt),
    ]
  }

  #timeOrNull(ms: number | null): Parameter {
    return ms === null ? null : this.#access.timeParameter(ms)
  }

  async #apply(statement: Statement, parameters: readonly Parameter[]) {
    return (await this.#access.apply([{ statement, parameters }])) ?? []
  }
}
