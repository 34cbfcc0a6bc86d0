import type { FastifyReply, FastifyRequest } from 'fastify'
import type { PostCommand, PostOutcome } from '../../shared/engine/post-command.ts'
import { outcomeUnderKey } from '../../shared/engine/standing-index.ts'
import type { TransactionRecord } from '../../shared/engine/transaction-record.ts'
import type { Currencies } from '../../shared/ledger/currency.ts'
import { closedBooksRefusal } from '../../shared/ledger/closed-books.ts'
import type { Refusal } from '../../shared/ledger/refusal.ts'
import { idempotencyKeyOf } from '../../shared/wire/idempotency-key.ts'
import { noPreferences, preferencesOf } from '../../shared/wire/prefer.ts'
import { Problem } from '../../shared/wire/problems.ts'
import {
  currencyCodesOf,
  postCommand,
  type TransactionRequest,
} from '../../shared/wire/transaction-request.ts'
import type { ApiContext } from './context.ts'
import { waitSMax } from './waiting.ts'

/** How a request wants to be posted. */
export type PostingMode = 'sync' | 'async'

/** Takes transactions in: makes commands of requests and has them posted now, or accepted for later. */
export class TransactionIntake {
  readonly #context: ApiContext

  constructor(context: ApiContext) {
    this.#context = context
  }

  /** The command of a request: its key read, its amounts priced. Throws the problem of a bad key. */
  async command(request: FastifyRequest<{ Body: TransactionRequest }>): Promise<PostCommand> {
    const { body, ledgerId } = request
    const key = this.key(request)
    const known = await this.currencies(ledgerId, currencyCodesOf(body))
    return postCommand(body, key, ledgerId, known)
  }

  /** The currencies of the ledger, with these codes among them if it knows them. */
  currencies(ledgerId: number, codes: readonly string[]): Promise<Currencies> {
    return this.#context.currencies.including(ledgerId, ...codes)
  }

  /** The idempotency key of a request, from its header or its body. Throws the problem of a bad one. */
  key(
    request: FastifyRequest<{ Body: { idempotency_key?: string | null | undefined } }>,
  ): string | null {
    return this.headerKey(request, request.body.idempotency_key ?? null)
  }

  /** The idempotency key of a request, from its header or else as given. Throws the problem of a bad one. */
  headerKey(request: FastifyRequest, inBody: string | null = null): string | null {
    const key = idempotencyKeyOf(request.raw.rawHeaders, inBody)
    if ('problem' in key) throw key.problem
    return key.key
  }

  /** Reads the transaction that a request is about; throws the problem that there is none. */
  async target(ledgerId: number, id: string): Promise<TransactionRecord> {
    const target = await this.#context.store.findTransaction(ledgerId, id)
    if (target === undefined) throw new Problem('not_found')
    return target
  }

  /**
   * Takes a command in. What is refused by itself is never queued: its refusal is written under its key at once, and without a
   * key there is nothing to write.
   */
  async take(command: PostCommand, mode: PostingMode): Promise<PostOutcome> {
    const refusal = command.pricing.ok
      ? await this.#refusalBeforeQueueing(command, mode)
      : command.pricing.refusal
    if (refusal === undefined) {
      return mode === 'sync' ? this.#context.posting.post(command) : this.#accept(command)
    }
    return command.idempotencyKey === null
      ? { kind: 'refused', refusal }
      : this.#context.posting.post(command)
  }

  /** The mode of a request: its own word, or its `Prefer`, or the service's default. */
  mode(
    request: FastifyRequest<{ Querystring: { mode?: PostingMode | undefined } }>,
    reply: FastifyReply,
  ): { readonly mode: PostingMode; readonly waitMs: number } {
    const { prefer } = request.headers
    const { respondAsync, waitS } =
      prefer === undefined ? noPreferences : preferencesOf([prefer].flat().join(','))
    const wished = respondAsync ? 'async' : this.#context.defaultMode
    const mode = request.query.mode ?? wished
    if (mode === 'sync') return { mode, waitMs: 0 }
    const applied: string[] = []
    if (respondAsync) applied.push('respond-async')
    if (waitS !== null) applied.push(`wait=${Math.min(waitS, waitSMax)}`)
    if (applied.length > 0) void reply.header('preference-applied', applied.join(', '))
    return { mode, waitMs: Math.min(waitS ?? 0, waitSMax) * 1000 }
  }

  /** Waits until a queued transaction has ended or the time is over; gives it as it stands then. */
  async wait(transaction: TransactionRecord, waitMs: number): Promise<TransactionRecord> {
    if (transaction.status !== 'queued' || waitMs <= 0) return transaction
    const { ledgerId, id } = transaction
    const { store, waiting } = this.#context
    const turn = waiting.begin(ledgerId, id, waitMs)
    try {
      const before = await store.findTransaction(ledgerId, id)
      if (before !== undefined && before.status !== 'queued') return before
      await turn.ended
      return (await store.findTransaction(ledgerId, id)) ?? transaction
    } finally {
      turn.done()
    }
  }

  /**
   * What lies in closed books is not queued either. They stay closed, so that a no given here is one that posting gives too; if
   * they are closed after this look, the drain says no.
   */
  async #refusalBeforeQueueing(
    { ledgerId, effectiveAt }: PostCommand,
    mode: PostingMode,
  ): Promise<Refusal | undefined> {
    if (mode === 'sync' || effectiveAt === null) return undefined
    const ledger = await this.#context.store.findLedger(ledgerId)
    return closedBooksRefusal(effectiveAt, ledger?.booksClosedUntil ?? null)
  }

  async #accept(command: PostCommand): Promise<PostOutcome> {
    const { monitor, acceptance } = this.#context
    if (monitor.isFull()) return this.#replayOrFull(command)
    const outcome = await acceptance.accept(command)
    if (outcome.kind === 'written') monitor.accepted(outcome.transaction)
    return outcome
  }

  /** A full queue takes nothing new, but what stands under a key is answered from the record all the same. */
  async #replayOrFull(command: PostCommand): Promise<PostOutcome> {
    const { store, monitor } = this.#context
    const key = command.idempotencyKey
    const owner = key === null ? undefined : await store.findByKey(command.ledgerId, key)
    if (owner !== undefined) return outcomeUnderKey(command, owner)
    throw new Problem('queue_full', { retryAfterS: monitor.retryAfterS })
  }
}
