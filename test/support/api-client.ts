import type { z } from 'zod'
import type {
  AccountJson,
  accountChangeRequest,
  accountEntryJsonSchema,
  accountRequest,
  BalanceJson,
} from '../../shared/wire/account-json.ts'
import type { AcceptedBatchJson, BatchJson, batchRequest } from '../../shared/wire/batch-json.ts'
import type { currencyJsonSchema } from '../../shared/wire/currency-json.ts'
import type { DryRunJson } from '../../shared/wire/dry-run-json.ts'
import type { EventPageJson } from '../../shared/wire/event-json.ts'
import type { LedgerJson, ledgerChangeRequest } from '../../shared/wire/ledger-json.ts'
import type { queueJsonSchema } from '../../shared/wire/queue-json.ts'
import type { StatementJson } from '../../shared/wire/statement-json.ts'
import type {
  captureRequest,
  extendRequest,
  reversalRequest,
  voidRequest,
} from '../../shared/wire/target-request.ts'
import type { TrialBalanceJson } from '../../shared/wire/trial-balance-json.ts'
import type { TransactionJson } from '../../shared/wire/transaction-json.ts'
import type { transactionRequest } from '../../shared/wire/transaction-request.ts'
import { checkContract, type ApiDocument, type ProblemJson } from './contract.ts'

export type { AcceptedBatchJson, AccountJson, BalanceJson, BatchJson, TransactionJson }
export type AccountEntryJson = z.output<typeof accountEntryJsonSchema>
export type CurrencyJson = z.output<typeof currencyJsonSchema>
export type QueueJson = z.output<typeof queueJsonSchema>

/** Requests as a client writes them. */
export type NewAccountJson = z.input<typeof accountRequest>
export type AccountChangeJson = z.input<typeof accountChangeRequest>
export type LedgerChangeJson = z.input<typeof ledgerChangeRequest>
export type NewTransactionJson = z.input<typeof transactionRequest>
export type NewBatchJson = z.input<typeof batchRequest>

export type CaptureJson = z.input<typeof captureRequest>
export type VoidJson = z.input<typeof voidRequest>
export type ExtendJson = z.input<typeof extendRequest>
export type ReversalJson = z.input<typeof reversalRequest>

export interface PageJson<Item> {
  readonly items: Item[]
  readonly next_cursor: string | null
}

/** Query parameters; those that are undefined are left out. */
export type Query = Readonly<Record<string, string | number | undefined>>

type RequestHeaders = Readonly<Record<string, string>>

/** How a client has its transactions posted: by the service's default, at once, or queued and waited for. */
export type ClientMode = 'default' | 'sync' | 'async'

/** What a client sends to have a transaction queued and to be answered when it has ended. */
const queuedAndWaitedFor = { query: '?mode=async', prefer: 'wait=30' } as const

/** An answer that kept to the contract of its route. */
export class Answer<Body> {
  readonly status: number
  readonly headers: Headers
  readonly #json: unknown

  constructor(status: number, headers: Headers, json: unknown) {
    this.status = status
    this.headers = headers
    this.#json = json
  }

  /** The body of a good answer; throws when the answer is an error. */
  get body(): Body {
    if (this.status < 400) return this.#json as Body
    throw new Error(`expected a good answer, got ${JSON.stringify(this.#json)}`)
  }

  /** The body of an error; throws when the answer is a good one. */
  get problem(): ProblemJson {
    if (this.status >= 400) return this.#json as ProblemJson
    throw new Error(`expected an error, got ${this.status} ${JSON.stringify(this.#json)}`)
  }

  /** The code of an error, or `ok`: what most tests ask. */
  get code(): string {
    return this.status < 400 ? 'ok' : this.problem.code
  }

  get replayed(): boolean {
    return this.headers.get('idempotency-replayed') === 'true'
  }
}

/** Talks to a running API as any client would, over HTTP, and holds every answer against the API's contract. */
export class ApiClient {
  readonly url: string
  readonly mode: ClientMode
  readonly #document: ApiDocument

  private constructor(url: string, document: ApiDocument, mode: ClientMode = 'default') {
    this.url = url
    this.mode = mode
    this.#document = document
  }

  static async of(url: string): Promise<ApiClient> {
    const response = await fetch(`${url}/openapi.json`)
    return new ApiClient(url, (await response.json()) as ApiDocument)
  }

  /** The same client, whose `postTransaction` posts in a mode; in either it is answered when the money has moved. */
  inMode(mode: ClientMode): ApiClient {
    return new ApiClient(this.url, this.#document, mode)
  }

  get<Body>(path: string): Promise<Answer<Body>> {
    return this.#send('GET', path, undefined, {})
  }

  post<Body>(path: string, body: unknown, headers: RequestHeaders = {}): Promise<Answer<Body>> {
    return this.#send('POST', path, body, headers)
  }

  patch<Body>(path: string, body: unknown): Promise<Answer<Body>> {
    return this.#send('PATCH', path, body, {})
  }

  delete<Body>(path: string): Promise<Answer<Body>> {
    return this.#send('DELETE', path, undefined, {})
  }

  openAccount(account: NewAccountJson): Promise<Answer<AccountJson>> {
    return this.post('/api/v1/accounts', account)
  }

  account(id: string): Promise<Answer<AccountJson>> {
    return this.get(`/api/v1/accounts/${id}`)
  }

  accounts(query: Query = {}): Promise<Answer<PageJson<AccountJson>>> {
    return this.get(`/api/v1/accounts${queryText(query)}`)
  }

  changeAccount(id: string, change: AccountChangeJson): Promise<Answer<AccountJson>> {
    return this.patch(`/api/v1/accounts/${id}`, change)
  }

  balance(id: string, query: Query = {}): Promise<Answer<BalanceJson>> {
    return this.get(`/api/v1/accounts/${id}/balance${queryText(query)}`)
  }

  entries(id: string, query: Query = {}): Promise<Answer<PageJson<AccountEntryJson>>> {
    return this.get(`/api/v1/accounts/${id}/entries${queryText(query)}`)
  }

  statement(id: string, query: Query = {}): Promise<Answer<StatementJson>> {
    return this.get(`/api/v1/accounts/${id}/statement${queryText(query)}`)
  }

  postTransaction(
    transaction: NewTransactionJson,
    headers: RequestHeaders = {},
  ): Promise<Answer<TransactionJson>> {
    return this.#postInMode('/api/v1/transactions', transaction, headers)
  }

  /** Captures a hold in the mode of the client. */
  capture(
    id: string,
    body: CaptureJson = {},
    headers: RequestHeaders = {},
  ): Promise<Answer<TransactionJson>> {
    return this.#postInMode(`/api/v1/transactions/${id}/capture`, body, headers)
  }

  void(id: string, body: VoidJson = {}): Promise<Answer<TransactionJson>> {
    return this.post(`/api/v1/transactions/${id}/void`, body)
  }

  extend(id: string, body: ExtendJson): Promise<Answer<TransactionJson>> {
    return this.post(`/api/v1/transactions/${id}/extend`, body)
  }

  /** Reverses a transaction in the mode of the client. */
  reverse(id: string, body: Partial<ReversalJson> = {}): Promise<Answer<TransactionJson>> {
    const reversal = { reason: 'Goods returned.', ...body }
    return this.#postInMode(`/api/v1/transactions/${id}/reversals`, reversal, {})
  }

  /** Asks what posting a transaction would come to. */
  dryRun(
    transaction: NewTransactionJson,
    headers: RequestHeaders = {},
  ): Promise<Answer<DryRunJson>> {
    return this.post('/api/v1/transactions?dry_run=true', transaction, headers)
  }

  /** Has a batch posted at once. */
  postBatch(batch: NewBatchJson, headers: RequestHeaders = {}): Promise<Answer<BatchJson>> {
    return this.post('/api/v1/transactions/batch', batch, headers)
  }

  /** Has a batch queued and does not wait for it. */
  queueBatch(
    batch: NewBatchJson,
    headers: RequestHeaders = {},
  ): Promise<Answer<AcceptedBatchJson>> {
    return this.post('/api/v1/transactions/batch?mode=async', batch, headers)
  }

  /** Reads a batch that was queued; with `wait`, after so many seconds at the latest. */
  batch(id: string, query: Query = {}): Promise<Answer<AcceptedBatchJson>> {
    return this.get(`/api/v1/batches/${id}${queryText(query)}`)
  }

  cancelBatch(id: string): Promise<Answer<AcceptedBatchJson>> {
    return this.post(`/api/v1/batches/${id}/cancel`, undefined)
  }

  /** Has a transaction queued and does not wait for it. */
  queueTransaction(
    transaction: NewTransactionJson,
    headers: RequestHeaders = {},
  ): Promise<Answer<TransactionJson>> {
    return this.post('/api/v1/transactions?mode=async', transaction, headers)
  }

  /** Reads a transaction; with `wait`, after so many seconds at the latest. */
  transaction(id: string, query: Query = {}): Promise<Answer<TransactionJson>> {
    return this.get(`/api/v1/transactions/${id}${queryText(query)}`)
  }

  cancel(id: string): Promise<Answer<TransactionJson>> {
    return this.post(`/api/v1/transactions/${id}/cancel`, undefined)
  }

  resume(id: string): Promise<Answer<TransactionJson>> {
    return this.post(`/api/v1/transactions/${id}/resume`, undefined)
  }

  refuse(id: string, reason: string): Promise<Answer<TransactionJson>> {
    return this.post(`/api/v1/transactions/${id}/refuse`, { reason })
  }

  ledger(): Promise<Answer<LedgerJson>> {
    return this.get('/api/v1/ledger')
  }

  changeLedger(change: LedgerChangeJson): Promise<Answer<LedgerJson>> {
    return this.patch('/api/v1/ledger', change)
  }

  trialBalance(query: Query = {}): Promise<Answer<TrialBalanceJson>> {
    return this.get(`/api/v1/trial-balance${queryText(query)}`)
  }

  queue(): Promise<Answer<QueueJson>> {
    return this.get('/api/v1/queue')
  }

  parked(query: Query = {}): Promise<Answer<PageJson<TransactionJson>>> {
    return this.get(`/api/v1/queue/parked${queryText(query)}`)
  }

  transactions(query: Query = {}): Promise<Answer<PageJson<TransactionJson>>> {
    return this.get(`/api/v1/transactions${queryText(query)}`)
  }

  events(query: Query = {}): Promise<Answer<EventPageJson>> {
    return this.get(`/api/v1/events${queryText(query)}`)
  }

  registerCurrency(currency: CurrencyJson): Promise<Answer<CurrencyJson>> {
    return this.post('/api/v1/currencies', currency)
  }

  currencies(): Promise<Answer<{ items: CurrencyJson[] }>> {
    return this.get('/api/v1/currencies')
  }

  #postInMode<Body>(path: string, body: unknown, headers: RequestHeaders): Promise<Answer<Body>> {
    if (this.mode !== 'async') return this.post(path, body, headers)
    const { query, prefer } = queuedAndWaitedFor
    return this.post(`${path}${query}`, body, { prefer, ...headers })
  }

  async #send<Body>(
    method: string,
    path: string,
    body: unknown,
    headers: RequestHeaders,
  ): Promise<Answer<Body>> {
    const response = await fetch(`${this.url}${path}`, {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    const raw = { status: response.status, headers: response.headers, text: await response.text() }
    const json = checkContract(method, path, raw, this.#document)
    return new Answer<Body>(raw.status, raw.headers, json)
  }
}

function queryText(query: Query): string {
  const parameters = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) parameters.append(name, String(value))
  }
  return parameters.size === 0 ? '' : `?${parameters.toString()}`
}
