import { expect } from 'vitest'
import { z } from 'zod'
import {
  accountEntryJsonSchema,
  accountJsonSchema,
  balanceJsonSchema,
} from '../../shared/wire/account-json.ts'
import { acceptedBatchJsonSchema, batchJsonSchema } from '../../shared/wire/batch-json.ts'
import { currencyJsonSchema } from '../../shared/wire/currency-json.ts'
import { eventPageSchema } from '../../shared/wire/event-json.ts'
import { dryRunJsonSchema } from '../../shared/wire/dry-run-json.ts'
import { ledgerJsonSchema } from '../../shared/wire/ledger-json.ts'
import { problemJsonSchema } from '../../shared/wire/problem-json.ts'
import { ledgerListingSchema, ledgerListSchema } from '../../shared/wire/ledger-listing.ts'
import { problemCodes, problems, type ProblemCode } from '../../shared/wire/problems.ts'
import { queueJsonSchema } from '../../shared/wire/queue-json.ts'
import { statementJsonSchema } from '../../shared/wire/statement-json.ts'
import { trialBalanceJsonSchema } from '../../shared/wire/trial-balance-json.ts'
import { transactionJsonSchema } from '../../shared/wire/transaction-json.ts'
import {
  redeliveryJsonSchema,
  webhookDeliveryJsonSchema,
  webhookJsonSchema,
  webhookWithSecretJsonSchema,
} from '../../shared/wire/webhook-json.ts'
import { verificationJsonSchema } from '../../shared/wire/verification-json.ts'

/** The body of an error answer. */
export type ProblemJson = z.output<typeof problemJsonSchema>

/** The part of an OpenAPI document by which an answer is judged. */
export interface ApiDocument {
  readonly paths: Record<string, Record<string, { readonly responses: Record<string, unknown> }>>
}

const page = (item: z.ZodType) =>
  z.strictObject({ items: z.array(item), next_cursor: z.string().nullable() })

/** What each route answers when all is well: its statuses and the schema of its body. */
const successes: Readonly<Record<string, Readonly<Record<number, z.ZodType>>>> = {
  'post /api/v1/accounts': { 201: accountJsonSchema },
  'get /api/v1/accounts': { 200: page(accountJsonSchema) },
  'get /api/v1/accounts/{id}': { 200: accountJsonSchema },
  'patch /api/v1/accounts/{id}': { 200: accountJsonSchema },
  'get /api/v1/accounts/{id}/balance': { 200: balanceJsonSchema },
  'get /api/v1/accounts/{id}/entries': { 200: page(accountEntryJsonSchema) },
  'get /api/v1/accounts/{id}/statement': { 200: statementJsonSchema },
  'post /api/v1/transactions': {
    200: dryRunJsonSchema,
    201: transactionJsonSchema,
    202: transactionJsonSchema,
  },
  'post /api/v1/transactions/batch': {
    200: z.union([batchJsonSchema, acceptedBatchJsonSchema]),
    201: batchJsonSchema,
    202: acceptedBatchJsonSchema,
  },
  'get /api/v1/batches/{id}': { 200: acceptedBatchJsonSchema },
  'post /api/v1/batches/{id}/cancel': { 200: acceptedBatchJsonSchema },
  'get /api/v1/transactions': { 200: page(transactionJsonSchema) },
  'get /api/v1/transactions/{id}': { 200: transactionJsonSchema },
  'post /api/v1/transactions/{id}/capture': {
    201: transactionJsonSchema,
    202: transactionJsonSchema,
  },
  'post /api/v1/transactions/{id}/void': { 200: transactionJsonSchema },
  'post /api/v1/transactions/{id}/extend': { 200: transactionJsonSchema },
  'post /api/v1/transactions/{id}/reversals': {
    201: transactionJsonSchema,
    202: transactionJsonSchema,
  },
  'post /api/v1/transactions/{id}/cancel': { 200: transactionJsonSchema },
  'post /api/v1/transactions/{id}/resume': { 200: transactionJsonSchema },
  'post /api/v1/transactions/{id}/refuse': { 200: transactionJsonSchema },
  'get /api/v1/events': { 200: eventPageSchema },
  'get /api/v1/ledger': { 200: ledgerJsonSchema },
  'patch /api/v1/ledger': { 200: ledgerJsonSchema },
  'get /api/v1/trial-balance': { 200: trialBalanceJsonSchema },
  'get /api/v1/queue': { 200: queueJsonSchema },
  'get /api/v1/queue/parked': { 200: page(transactionJsonSchema) },
  'post /api/v1/currencies': { 201: currencyJsonSchema },
  'post /api/v1/ledgers': { 201: ledgerListingSchema },
  'get /api/v1/ledgers': { 200: ledgerListSchema },
  'post /api/v1/webhooks': { 201: webhookWithSecretJsonSchema },
  'get /api/v1/webhooks': { 200: page(webhookJsonSchema) },
  'get /api/v1/webhooks/{id}': { 200: webhookJsonSchema },
  'patch /api/v1/webhooks/{id}': { 200: webhookJsonSchema },
  'delete /api/v1/webhooks/{id}': { 200: webhookJsonSchema },
  'post /api/v1/webhooks/{id}/rotate-secret': { 200: webhookWithSecretJsonSchema },
  'post /api/v1/webhooks/{id}/redeliver': { 200: redeliveryJsonSchema },
  'get /api/v1/webhooks/{id}/deliveries': { 200: page(webhookDeliveryJsonSchema) },
  'post /api/v1/webhooks/{id}/deliveries/{event_id}/redeliver': { 200: webhookDeliveryJsonSchema },
  'post /api/v1/audit/verify': { 200: verificationJsonSchema },
  'get /api/v1/currencies': { 200: z.strictObject({ items: z.array(currencyJsonSchema) }) },
}

/** One answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Headers
  readonly text: string
}

/**
 * Holds an answer against what the API promises of its route: a good one parses through the route's strict schema,
 * an error is problem+json with a known code, the status of that code, and is one that the OpenAPI document names
 * for the route. Throws on any difference. Returns the parsed JSON.
 */
export function checkContract(
  method: string,
  path: string,
  answer: RawAnswer,
  document: ApiDocument,
): unknown {
  const route = routeOf(path)
  const json: unknown = JSON.parse(answer.text)
  if (answer.status >= 400) {
    checkProblem(answer, json as ProblemJson)
    checkDocumented(document, method, route, json as ProblemJson)
    return json
  }
  expect(answer.headers.get('content-type')).toMatch(/^application\/json(; charset=utf-8)?$/)
  expect(answer.headers.get('cache-control')).toBe('no-store')
  const schema = successes[`${method.toLowerCase()} ${route}`]?.[answer.status]
  if (schema === undefined) throw new Error(`${method} ${route} answered ${answer.status}`)
  const parsed = schema.safeParse(json)
  if (!parsed.success) throw new Error(`${method} ${route}: ${z.prettifyError(parsed.error)}`)
  return json
}

function checkProblem({ status, headers }: RawAnswer, json: ProblemJson): void {
  expect(headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  const problem = problemJsonSchema.parse(json)
  expect(problemCodes).toContain(problem.code)
  const kind = problems[problem.code as ProblemCode]
  expect(status).toBe(kind.status)
  expect(problem).toMatchObject({
    type: `/errors#${problem.code}`,
    status: kind.status,
    title: kind.title,
    retryable: kind.retryable,
  })
  if (status === 503) expect(Number(headers.get('retry-after'))).toBeGreaterThan(0)
}

/** An address that is no route, or takes no such method, has no documentation to be held against. */
function checkDocumented(
  document: ApiDocument,
  method: string,
  route: string,
  { status, code }: ProblemJson,
): void {
  const responses = document.paths[route]?.[method.toLowerCase()]?.responses
  if (responses === undefined) return
  const documented = responses[status] as
    { content?: Record<string, { examples?: Record<string, unknown> }> } | undefined
  const codes = Object.keys(documented?.content?.['application/problem+json']?.examples ?? {})
  expect(codes, `the documented errors ${status} of ${method} ${route}`).toContain(code)
}

/** The pattern of an address, as the OpenAPI document writes it. */
function routeOf(path: string): string {
  const pathname = path.split('?', 1)[0] ?? ''
  return pathname
    .replace(/^(\/api\/v1\/(?:accounts|transactions|batches|webhooks))\/(?!batch$)[^/]+/, '$1/{id}')
    .replace(/\/deliveries\/[^/]+/, '/deliveries/{event_id}')
}
