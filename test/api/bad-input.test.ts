import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { writeCursor } from '../../shared/wire/cursor.ts'
import { problemAdvice } from '../../services/api/pages/problem-advice.ts'
import { problems, type ProblemCode } from '../../shared/wire/problems.ts'
import { amounts } from './bad-requests/amounts.ts'
import {
  accountBodies,
  accountsPath,
  canary,
  canaryDigits,
  payment,
  posting,
  transactionsPath,
  type AccountName,
  type BadRequest,
  type World,
} from './bad-requests/bad-request.ts'
import { batches } from './bad-requests/batches.ts'
import { bodies } from './bad-requests/bodies.ts'
import { entryLists } from './bad-requests/entries.ts'
import { fields } from './bad-requests/fields.ts'
import { holds } from './bad-requests/holds.ts'
import { httpMessages } from './bad-requests/http-messages.ts'
import { idempotencyKeys } from './bad-requests/idempotency-keys.ts'
import { paths } from './bad-requests/paths.ts'
import { queries } from './bad-requests/queries.ts'
import { exchange, requestBytes, type RawAnswer } from './raw-http.ts'
import { createStore, startService, type ListeningService, type Witness } from './service.ts'

const subjects = {
  amounts,
  batches,
  entries: entryLists,
  fields,
  'holds and reversals': holds,
  'ids and paths': paths,
  'idempotency keys': idempotencyKeys,
  'JSON and bodies': bodies,
  'HTTP itself': httpMessages,
  'queries and cursors': queries,
}

/** The services read the same bytes whatever the store, so both must answer the same to the whole table. */
describe.each(['sqlite', 'postgres'] as const)('over %s, bad input', (dialect) => {
  let service: ListeningService
  let witness: Witness
  let world: World
  let document: ApiDocument

  beforeAll(async () => {
    const store = await createStore(dialect)
    service = await startService(store.location)
    witness = await store.witness()
    world = await createWorld(service.port)
    const written = await json(service.port, requestBytes('GET', '/openapi.json'))
    document = written as unknown as ApiDocument
  })
  afterAll(async () => {
    await witness.close()
    await service.close()
  })

  describe.each(Object.entries(subjects))('in %s', (_, requests) => {
    test.each(requests.map((request) => [request.title, request] as const))(
      '%s',
      async (__, request) => {
        const before = await witness.rows()
        const logStart = service.logged().length

        const bytes = request.bytes(world)
        const answers = await exchange(service.port, bytes, request)

        expect(answers).toHaveLength(1)
        const answer = answers[0] as RawAnswer
        if (request.code === undefined) expectGood(answer, request)
        else expectProblem(answer, request)
        if (request.code !== undefined) expectDocumented(document, bytes, request.code, answer)
        const isWritten = request.status === 201
        expect((await witness.rows()) !== before).toBe(isWritten)
        expect(await health(service.port)).toBe(200)
        expectNoCanary(service.logged().slice(logStart))
      },
    )
  })
})

describe('what the checks above rest on', () => {
  test('the log is captured, and a canary in an answer or in the log would be found', async () => {
    const { location } = await createStore('sqlite')
    const service = await startService(location)
    try {
      const world = await createWorld(service.port)
      const [answer] = await exchange(service.port, posting(payment(world)))

      expect(() => expectNoCanary(answer?.text ?? '')).toThrow(canary)
      await expect.poll(() => service.logged()).toContain('"route":"/api/v1/transactions"')
    } finally {
      await service.close()
    }
  })

  test('no two requests of the table have one name', () => {
    for (const requests of Object.values(subjects)) {
      const titles = requests.map(({ title }) => title)
      expect(titles).toEqual([...new Set(titles)])
    }
  })
})

describe('what is stored as text', () => {
  test.each(['sqlite', 'postgres'] as const)(
    'SQL, markup and other scripts are read back as they came, over %s',
    async (dialect) => {
      const { location } = await createStore(dialect)
      const service = await startService(location)
      try {
        const world = await createWorld(service.port)
        const text = `'); drop table entries; -- " \\ <b>&amp;</b> \u{1f4b6} ﷽ \u202e %s $1 ?`
        const notes = {
          reference: text,
          description: text,
          ordering_key: text,
          metadata: { [text.slice(0, 64)]: text, constructor: 'c', toString: 't' },
        }

        const posted = await json(service.port, posting(payment(world, notes)))
        const read = await json(
          service.port,
          requestBytes('GET', `${transactionsPath}/${String(posted['id'])}`),
        )
        const listed = await json(
          service.port,
          requestBytes('GET', `${transactionsPath}?reference=${encodeURIComponent(text)}`),
        )

        expect(posted).toMatchObject(notes)
        expect(read).toEqual(posted)
        expect(listed['items']).toEqual([posted])
      } finally {
        await service.close()
      }
    },
  )
})

function expectGood(answer: RawAnswer, request: BadRequest): void {
  expect(answer.status).toBe(request.status)
  expect(answer.headers.get('content-type')).toBe('application/json; charset=utf-8')
}

function expectProblem(answer: RawAnswer, { status, code, pointer }: BadRequest): void {
  const body = JSON.parse(answer.body) as Record<string, unknown>
  const errors = body['errors'] as readonly { pointer: string }[] | undefined
  expect({ status: answer.status, code: body['code'], pointer: errors?.[0]?.pointer }).toEqual({
    status,
    code,
    pointer,
  })
  expect(answer.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(answer.headers.has('allow')).toBe(status === 405)
  const kind = problems[code as keyof typeof problems]
  expect(body).toMatchObject({ ...kind, type: `/errors#${code}`, detail: expect.any(String) })
  expectNoCanary(answer.text)
}

/** The part of the OpenAPI document that says which codes an operation may answer with. */
interface ApiDocument {
  readonly paths: Record<string, Record<string, { responses: Record<string, Answers> }>>
  readonly components: { responses: { AnyRequest: Answers } }
}
interface Answers {
  readonly content?: Record<string, { examples?: Record<string, unknown> }>
}

/** An answer of an operation is one that its documentation lists, and says no more than the page of errors announces. */
function expectDocumented(
  document: ApiDocument,
  bytes: Buffer,
  code: ProblemCode,
  answer: RawAnswer,
): void {
  const announced = problemAdvice[code].details.map((name) => name.replace('?', ''))
  const said = Object.keys(JSON.parse(answer.body) as object)
  expect([...membersOfAll, ...announced]).toEqual(expect.arrayContaining(said))

  const [, method = '', path = ''] = /^(\w+) ([^ ?]+)/.exec(bytes.toString('latin1')) ?? []
  const route = path.replace(/^(\/api\/v1\/\w+)\/(?!batch$)[^/]+/, '$1/{id}')
  const responses = document.paths[route]?.[method.toLowerCase()]?.responses
  if (responses === undefined) return
  const listed = [responses[answer.status], document.components.responses.AnyRequest].flatMap(
    (response) => Object.keys(response?.content?.['application/problem+json']?.examples ?? {}),
  )
  expect({ method, route, listed }).toEqual({
    method,
    route,
    listed: expect.arrayContaining([code]),
  })
}

const membersOfAll = ['type', 'title', 'status', 'detail', 'instance', 'code', 'retryable']

function expectNoCanary(text: string): void {
  expect(text).not.toContain(canary)
  expect(text).not.toContain(canaryDigits)
}

async function health(port: number): Promise<number | undefined> {
  return (await exchange(port, requestBytes('GET', '/health')))[0]?.status
}

/** The body of a good answer. */
async function json(port: number, bytes: Buffer): Promise<Record<string, unknown>> {
  const [answer] = await exchange(port, bytes)
  if (answer === undefined || answer.status >= 300) throw new Error(`not good: ${answer?.text}`)
  return JSON.parse(answer.body) as Record<string, unknown>
}

async function createWorld(port: number): Promise<World> {
  const ids: Partial<Record<AccountName, string>> = {}
  for (const [name, special] of Object.entries(accountBodies)) {
    const body = { name, account_type: 'liability', currency: 'USD', code: `code:${name}` }
    const account = await json(
      port,
      requestBytes('POST', accountsPath, { body: { ...body, ...special } }),
    )
    ids[name as AccountName] = String(account['id'])
  }
  for (const status of ['frozen', 'closed'] as const) {
    await json(port, requestBytes('PATCH', `${accountsPath}/${ids[status]}`, { body: { status } }))
  }
  const world = { ids: ids as Record<AccountName, string> }
  const cursorOf = async (list: string) =>
    String((await json(port, requestBytes('GET', list)))['next_cursor'])
  // Two entries for alice, so that her list has a second page.
  const pay = async (fields_: object) =>
    String((await json(port, posting(payment({ ...world } as World, { ...fields_ }))))['id'])
  await pay({})
  const transactions = {
    paid: await pay({}),
    hold: await pay({ hold: { expires_in: 24 * 60 * 60 } }),
  }
  return {
    ...world,
    transactions,
    accountCursor: await cursorOf(`${accountsPath}?limit=1`),
    usdCursor: await cursorOf(`${accountsPath}?currency=USD&limit=1`),
    entryCursor: await cursorOf(`${accountsPath}/${world.ids.alice}/entries?limit=1`),
    foreignCursor: writeCursor(
      { secret: randomBytes(32), list: 'accounts', filter: {} },
      world.ids.alice,
    ),
  }
}
