import type { SwaggerTransform } from '@fastify/swagger'
import type { OpenAPIV3_1 as Api } from 'openapi-types'
import { z } from 'zod'
import type { ProblemCode } from '../../shared/wire/problems.ts'
import { problemAnswer } from './operation.ts'

/** What any request may be answered with before it is known what it asks for. */
const codesOfAnyRequest: readonly ProblemCode[] = [
  'invalid_request',
  'request_timeout',
  'uri_too_long',
  'headers_too_large',
]

type Examples = Readonly<Record<string, { readonly value: unknown }>>

const exampleId = '0198c0de-7a11-7000-8000-00000000a11c'

/** A response of a route as `answers` describes it. */
interface DescribedResponse {
  readonly content?: Record<string, { readonly examples?: Examples }>
}

/** A route's schema, as far as its examples are concerned. */
interface DescribedRoute {
  readonly body?: unknown
  readonly response?: Record<string, DescribedResponse>
}

/** Where the example of a request's body travels: the schema loses its own when it is written as JSON Schema. */
const bodyExample = 'x-body-example'

/** Wraps the transform of a route's schemas so that the examples of its body and its answers are not lost on the way. */
export function transformRoute(transform: SwaggerTransform): SwaggerTransform {
  return (document) => {
    const described = (document.schema ?? {}) as DescribedRoute
    const transformed = transform(document)
    const { response = {} } = transformed.schema as DescribedRoute
    for (const [status, { content = {} }] of Object.entries(described.response ?? {})) {
      for (const [type, { examples }] of Object.entries(content)) {
        const target = response[status]?.content?.[type]
        if (target === undefined || examples === undefined) continue
        Object.assign(target, { examples: examplesAt(document.url, examples) })
      }
    }
    if (described.body instanceof z.ZodType) {
      Object.assign(transformed.schema, { [bodyExample]: described.body.meta()?.['examples'] })
    }
    return transformed
  }
}

/** The examples of a route's answers; those of errors as they occur at the route's own address. */
function examplesAt(url: string, examples: Examples): Examples {
  const address = url.replace(/:[a-z_]+/g, exampleId)
  return Object.fromEntries(
    Object.entries(examples).map(([name, { value }]) => [
      name,
      { value: hasInstance(value) ? { ...value, instance: address } : value },
    ]),
  )
}

function hasInstance(value: unknown): value is { instance: string } {
  return typeof value === 'object' && value !== null && 'instance' in value
}

/**
 * Completes the document: each request and answer gets an example, so that every documentation page shows it and a client
 * can try it as it stands; each operation the answers that any request may get; and the schemas their plain names.
 */
export function openApiDocument(written: object): Api.Document {
  const api = withPlainNames(structuredClone(written) as Api.Document)
  for (const operation of operationsOf(api)) {
    addBodyExample(operation)
    for (const parameter of operation.parameters ?? []) asDeepObject(parameter)
    for (const response of Object.values(operation.responses ?? {})) {
      const { content = {} } = response as Api.ResponseObject
      for (const media of Object.values(content)) addExample(api, media)
    }
    operation.responses = {
      ...operation.responses,
      default: { $ref: '#/components/responses/AnyRequest' },
    }
  }
  api.webhooks = { event: { post: eventReceiver(api) } as Api.PathItemObject }
  const schema = { $ref: '#/components/schemas/Problem' }
  const { description, examples } = problemAnswer(codesOfAnyRequest)
  api.components = {
    ...api.components,
    responses: {
      AnyRequest: {
        description: `Any request that cannot be read. ${description}`,
        content: { 'application/problem+json': { schema, examples } },
      } as Api.ResponseObject,
    },
  }
  return api
}

const schemaPath = '#/components/schemas/'

/** What each header of a delivery says. */
const deliveryHeaders = {
  'webhook-id': 'The id of the event: the same at each attempt.',
  'webhook-timestamp': 'When this attempt was made, in seconds since 1970.',
  'webhook-signature':
    '`v1,` and the HMAC-SHA256 over `id.timestamp.body` in base64; two of them while a secret is replaced.',
}

/** What whoever made an endpoint is sent there: described as an operation of theirs. */
function eventReceiver(api: Api.Document): Api.OperationObject {
  const media: Api.MediaTypeObject = { schema: { $ref: `${schemaPath}Event` } }
  addExample(api, media)
  return {
    operationId: 'receiveEvent',
    tags: ['Webhooks'],
    summary: 'Take an event that is posted to you',
    description: 'Sent to the address of each endpoint, signed as Standard Webhooks says.',
    parameters: Object.entries(deliveryHeaders).map(([name, description]) => ({
      name,
      description,
      in: 'header',
      required: true,
      schema: { type: 'string' },
    })),
    requestBody: { required: true, content: { 'application/json': media } },
    responses: {
      '2XX': { description: 'It is delivered. What is answered is not read.' },
      410: { description: 'The endpoint is disabled.' },
      default: { description: 'It is tried again, redirects included: they are not followed.' },
    },
  }
}

/**
 * Keeps the schemas in use under their plain names. Each comes twice, as it is read (`AccountRequestInput`) and as
 * it is written (`AccountRequest`), and all but those used both ways are needed once.
 */
function withPlainNames(api: Api.Document): Api.Document {
  const schemas = api.components?.schemas ?? {}
  const used = new Set<string>()
  const collect = (part: unknown): void => {
    for (const [, name = ''] of JSON.stringify(part).matchAll(/"#\/components\/schemas\/(\w+)"/g)) {
      if (used.has(name)) continue
      used.add(name)
      collect(schemas[name])
    }
  }
  collect(api.paths)

  const plainNames = new Map(
    [...used].map((name) => {
      const plain = name.replace(/Input$/, '')
      return [name, used.has(plain) ? name : plain]
    }),
  )
  const kept = [...plainNames].map(([name, plain]) => [plain, schemas[name]] as const)
  const text = JSON.stringify({
    ...api,
    components: { ...api.components, schemas: Object.fromEntries(kept.toSorted(byName)) },
  })
  const renamed = text.replaceAll(
    /"#\/components\/schemas\/(\w+)"/g,
    (_, name: string) => `"${schemaPath}${plainNames.get(name)}"`,
  )
  return JSON.parse(renamed) as Api.Document
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function operationsOf(api: Api.Document): Api.OperationObject[] {
  const values = Object.values(api.paths ?? {}).flatMap(
    (path) => Object.values(path ?? {}) as unknown[],
  )
  return values.filter(
    (value): value is Api.OperationObject =>
      typeof value === 'object' && value !== null && 'responses' in value,
  )
}

/** A parameter that is an object is written as `name[key]=value`. */
function asDeepObject(parameter: Api.ParameterObject | Api.ReferenceObject): void {
  if (!('in' in parameter) || parameter.in !== 'query') return
  const { type } = (parameter.schema ?? {}) as Api.SchemaObject
  if (type === 'object') Object.assign(parameter, { style: 'deepObject', explode: true })
}

function addBodyExample(operation: Api.OperationObject): void {
  const { [bodyExample]: examples } = operation as { [bodyExample]?: readonly unknown[] }
  delete (operation as { [bodyExample]?: unknown })[bodyExample]
  const { content = {} } = (operation.requestBody ?? {}) as Partial<Api.RequestBodyObject>
  for (const media of Object.values(content)) {
    media.examples = { example: { value: examples?.[0] } as Api.ExampleObject }
  }
}

function addExample(api: Api.Document, media: Api.MediaTypeObject): void {
  if (media.examples !== undefined || media.schema === undefined) return
  const value = exampleOf(api, media.schema)
  if (value !== undefined) media.examples = { example: { value } as Api.ExampleObject }
}

/** The example of a schema: its own, or for a page one made of its items'. */
function exampleOf(api: Api.Document, schema: Api.SchemaObject | Api.ReferenceObject): unknown {
  const resolved = resolve(api, schema)
  if (resolved?.examples?.[0] !== undefined) return resolved.examples[0]
  const items = resolved?.properties?.['items']
  if (items === undefined || !('items' in items)) return undefined
  const item = exampleOf(api, items.items as Api.SchemaObject)
  return item === undefined ? undefined : { items: [item], next_cursor: null }
}

function resolve(
  api: Api.Document,
  schema: Api.SchemaObject | Api.ReferenceObject,
): Api.SchemaObject | undefined {
  if (!('$ref' in schema) || schema.$ref === undefined) return schema as Api.SchemaObject
  return api.components?.schemas?.[schema.$ref.slice(schemaPath.length)]
}
