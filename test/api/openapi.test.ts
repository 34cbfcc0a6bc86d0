import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createRequire } from 'node:module'
import type { FastifyInstance, RouteOptions } from 'fastify'
import type { OpenAPIV3_1 as Api } from 'openapi-types'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { eventJsonSchema } from '../../shared/wire/event-json.ts'
import { problemJsonSchema } from '../../shared/wire/problem-json.ts'
import { problemCodes, problems, type ProblemCode } from '../../shared/wire/problems.ts'
import { exchange, requestBytes } from './raw-http.ts'
import { createStore, startService, type ListeningService } from './service.ts'

let service: ListeningService
let text: string
let document: Api.Document
const routes: RouteOptions[] = []

beforeAll(async () => {
  const { location } = await createStore('sqlite')
  // Fastify tells of each server it makes, before the first route.
  const onServer = (message: unknown) => {
    const { fastify } = message as { fastify: FastifyInstance }
    fastify.addHook('onRoute', (route) => {
      routes.push({ ...route })
    })
  }
  subscribe('fastify.initialization', onServer)
  service = await startService(location)
  unsubscribe('fastify.initialization', onServer)
  const [answer] = await exchange(service.port, requestBytes('GET', '/openapi.json'))
  text = answer?.body ?? ''
  document = JSON.parse(text) as Api.Document
})
afterAll(() => service.close())

describe('the OpenAPI document', () => {
  test('is valid OpenAPI 3.1, its examples and references included', async () => {
    expect(document.openapi).toMatch(/^3\.1\./)
    expect(await faultsOf(text)).toEqual([])
  })

  test.each([
    ['a reference that leads nowhere', '"#/components/schemas/Account"', '"#/components/none"'],
    ['an example that its schema refuses', '"account_type":"liability"', '"account_type":"loan"'],
    ['a member that OpenAPI does not know', '"operationId"', '"operation_id"'],
  ])('would not pass as valid with %s', async (_, right, wrong) => {
    expect(text).toContain(right)
    expect(await faultsOf(text.replaceAll(right, wrong))).not.toEqual([])
  })

  test('has every route of the server, the pages for people excepted', () => {
    const shown = routes.filter((route) => !isHidden(route)).flatMap(operationNamesOf)
    const hidden = routes.filter(isHidden).map(({ url }) => url)

    expect(operations().map(({ name }) => name)).toEqual([...new Set(shown)].toSorted())
    const pages = hidden.filter((url) => !/^\/(?:docs|admin\/queues)(?:\/|$)/.test(url))
    expect([...new Set(pages)].toSorted()).toEqual([
      '/',
      '/errors',
      '/openapi.json',
      '/redoc',
      '/redoc/redoc.standalone.js',
    ])
  })

  test('names each schema once, as its author did', () => {
    const names = Object.keys(document.components?.schemas ?? {})

    expect(names).toContain('AccountRequest')
    expect(names.filter((name) => /Input$|Output$|__/.test(name))).toEqual([])
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      expect(names).toContain(name)
    }
  })

  test('says of every operation what it is called, what it does and where it belongs', () => {
    const all = operations().map(({ operation }) => operation)
    const tags = document.tags?.map(({ name }) => name)

    for (const { operationId, summary, tags: [tag] = [] } of all) {
      expect(operationId).toMatch(/^[a-z][A-Za-z]+$/)
      expect(summary).toMatch(/^[A-Z].{10,}/)
      expect(tags).toContain(tag)
    }
    expect(new Set(all.map(({ operationId }) => operationId)).size).toBe(all.length)
  })

  test('shows an example of every body and every answer, which the schema of the code takes', () => {
    const faults: string[] = []
    let examples = 0
    for (const { name, operation } of operations()) {
      const route = routes.find((one) => operationNamesOf(one).includes(name))
      for (const { place, media, schema } of mediaOf(operation, route)) {
        const values = Object.values(media.examples ?? {}).map((example) => valueOf(example))
        if (values.length === 0) faults.push(`${name}, ${place}: no example`)
        for (const value of values) {
          const { error } = schema.safeParse(value)
          if (error !== undefined) faults.push(`${name}, ${place}: ${z.prettifyError(error)}`)
          examples += 1
        }
      }
    }
    expect(faults).toEqual([])
    expect(examples).toBeGreaterThan(100)
  })

  test('lists errors under the status that their code has, and what any request may get', () => {
    for (const { operation } of operations()) {
      expect(Object.keys(operation.responses ?? {})).toEqual(
        expect.arrayContaining(['500', 'default']),
      )
      for (const [status, response] of Object.entries(operation.responses ?? {})) {
        for (const [code, example] of Object.entries(problemExamplesIn(response))) {
          expect(problemCodes).toContain(code)
          expect(valueOf(example)).toMatchObject({ code, ...problems[code as ProblemCode] })
          if (status !== 'default')
            expect(String(problems[code as ProblemCode].status)).toBe(status)
        }
      }
    }
  })

  test('says what whoever has an endpoint is sent there', () => {
    const { event } = document.webhooks ?? {}
    const receiver = (event as Api.PathItemObject | undefined)?.post
    const body = receiver?.requestBody as Api.RequestBodyObject | undefined
    const media = body?.content['application/json']

    expect(media?.schema).toEqual({ $ref: '#/components/schemas/Event' })
    const examples = Object.values(media?.examples ?? {}).map((example) => valueOf(example))
    expect(examples.map((example) => eventJsonSchema.safeParse(example).success)).toEqual([true])
    expect(receiver?.parameters).toHaveLength(3)
  })

  test('is what Swagger UI shows too', async () => {
    const [answer] = await exchange(service.port, requestBytes('GET', '/docs/json'))

    expect(JSON.parse(answer?.body ?? '')).toEqual(document)
  })
})

interface Operation {
  /** `get /api/v1/accounts/{id}` */
  readonly name: string
  readonly operation: Api.OperationObject
}

function operations(): Operation[] {
  return Object.entries(document.paths ?? {})
    .flatMap(([path, item]) =>
      Object.entries(item ?? {}).map(([method, operation]) => ({
        name: `${method} ${path}`,
        operation: operation as Api.OperationObject,
      })),
    )
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
}

function isHidden(route: RouteOptions): boolean {
  return (route.schema as { hide?: boolean } | undefined)?.hide === true
}

/** A route's operations as the document names them; HEAD follows from GET. */
function operationNamesOf(route: RouteOptions): string[] {
  const path = route.url.replaceAll(/:(\w+)/g, '{$1}')
  return [route.method]
    .flat()
    .filter((method) => method !== 'HEAD')
    .map((method) => `${method.toLowerCase()} ${path}`)
}

/** Every body of an operation that has a media type, beside the zod schema that the code reads or writes it by. */
function mediaOf(
  operation: Api.OperationObject,
  route: RouteOptions | undefined,
): { place: string; media: Api.MediaTypeObject; schema: z.ZodType }[] {
  const schema = (route?.schema ?? {}) as {
    body?: z.ZodType
    response?: Record<string, { content: Record<string, { schema: z.ZodType }> }>
  }
  const body = operation.requestBody as Api.RequestBodyObject | undefined
  expect(body === undefined).toBe(schema.body === undefined)
  const bodies = Object.values(body?.content ?? {}).map((media) => ({
    place: 'the body',
    media,
    schema: schema.body ?? z.never(),
  }))
  const answers = Object.entries(operation.responses ?? {}).flatMap(([status, response]) =>
    Object.entries(contentOf(response)).map(([type, media]) => ({
      place: `answer ${status}`,
      media,
      schema:
        schema.response?.[status]?.content[type]?.schema ??
        (status === 'default' ? problemJsonSchema : z.never()),
    })),
  )
  expect(new Set(answers.map(({ place }) => place)).size).toBe(
    Object.keys(operation.responses ?? {}).length,
  )
  return [...bodies, ...answers]
}

function contentOf(
  response: Api.ResponseObject | Api.ReferenceObject,
): Record<string, Api.MediaTypeObject> {
  if (!('$ref' in response)) return (response as Api.ResponseObject).content ?? {}
  const name = response.$ref.replace('#/components/responses/', '')
  const shared = document.components?.responses?.[name]
  return shared === undefined ? {} : contentOf(shared)
}

function problemExamplesIn(
  response: Api.ResponseObject | Api.ReferenceObject,
): NonNullable<Api.MediaTypeObject['examples']> {
  return contentOf(response)['application/problem+json']?.examples ?? {}
}

function valueOf(example: Api.ExampleObject | Api.ReferenceObject): unknown {
  return 'value' in example ? example.value : undefined
}

/** The part of ReDoc's own validator that is used here; it comes with ReDoc, which shows the document. */
interface Validator {
  createConfig(config: { rules: Record<string, string> }): Promise<unknown>
  lintFromString(what: {
    source: string
    absoluteRef: string
    config: unknown
  }): Promise<{ ruleId: string; message: string; location: { pointer?: string }[] }[]>
}

const rules = [
  'struct',
  'no-unresolved-refs',
  'no-unused-components',
  'no-invalid-media-type-examples',
  'no-invalid-schema-examples',
  'no-invalid-parameter-examples',
  'no-enum-type-mismatch',
  'no-identical-paths',
  'no-ambiguous-paths',
  'operation-operationId',
  'operation-operationId-unique',
  'operation-parameters-unique',
  'operation-summary',
  'operation-tag-defined',
  'path-parameters-defined',
]

async function faultsOf(source: string): Promise<string[]> {
  const redoc = createRequire(createRequire(import.meta.url).resolve('redoc/package.json'))
  const validator = redoc('@redocly/openapi-core') as Validator
  const config = await validator.createConfig({
    rules: Object.fromEntries(rules.map((rule) => [rule, 'error'])),
  })
  const faults = await validator.lintFromString({ source, absoluteRef: '/openapi.json', config })
  return faults.map(
    ({ ruleId, message, location }) => `${ruleId} at ${location[0]?.pointer}: ${message}`,
  )
}
