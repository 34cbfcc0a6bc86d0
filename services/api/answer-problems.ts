import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { StoreFailure, Unavailable } from '../../shared/engine/store-failure.ts'
import type { Logger } from '../../shared/log.ts'
import { Problem, problemJson, type ProblemCode } from '../../shared/wire/problems.ts'
import { afterUnreadBody } from './unread-body.ts'

/** Answers everything that goes wrong, from a typing error to a lost database, as problem+json. RFC 9457. */
export function answerProblems(server: FastifyInstance, log: Logger): void {
  const routes = new RouteMethods()
  server.addHook('onRoute', ({ url, method }) => routes.add(url, [method].flat()))

  server.setErrorHandler(answerProblem(log))
  // Before the body is looked at: what is wrong with it does not matter where nobody takes it.
  server.addHook('onRequest', (request, _reply, done) => {
    done(request.is404 ? nothingThere(routes, request.url) : undefined)
  })
  server.setNotFoundHandler(() => {
    throw new Problem('route_not_found')
  })
}

function nothingThere(routes: RouteMethods, address: string): Problem {
  const path = pathOf(address)
  const { methods, pattern } = routes.at(path)
  if (pattern === undefined) return new Problem('route_not_found')
  const allow = methods.join(', ')
  const detail = `This address takes ${allow}.`
  return new Problem('method_not_allowed', { detail, allow, instance: instanceOf(pattern, path) })
}

/** Answers one error that was thrown, and logs it when it is ours. */
export function answerProblem(log: Logger) {
  return (error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply => {
    const problem = problemOf(error)
    if (problem.status >= 500) {
      const route = request.routeOptions.url ?? 'none'
      const level = problem.code === 'internal_error' ? 'error' : 'warn'
      log[level]({ request: request.id, route, code: problem.code, err: error }, problem.message)
    }
    return sendProblem(request, reply, problem)
  }
}

/** Writes a problem as the answer, when the client has said all it has to say. */
export function sendProblem(
  request: FastifyRequest,
  reply: FastifyReply,
  problem: Problem,
): FastifyReply {
  const { retryAfterS, allow } = problem.content
  request.problemCode = problem.code
  const pattern = request.routeOptions.url
  const instance = pattern === undefined ? '/' : instanceOf(pattern, pathOf(request.url))
  if (retryAfterS !== undefined) void reply.header('retry-after', String(retryAfterS))
  if (allow !== undefined) void reply.header('allow', allow)
  void reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .serializer((body: unknown) => JSON.stringify(body))
  afterUnreadBody(request.raw, () => void reply.send(problemJson(problem, instance)))
  return reply
}

/** How long a caller should wait when nothing better is known. */
const retryAfterS = 1

function problemOf(error: unknown): Problem {
  if (error instanceof Problem) return error
  if (error instanceof Unavailable) {
    return new Problem(error.code, { retryAfterS: error.retryAfterS }, error)
  }
  if (error instanceof StoreFailure && error.kind !== 'deterministic') {
    const code = error.kind === 'unknown' ? 'outcome_unknown' : 'store_unavailable'
    return new Problem(code, { retryAfterS }, error)
  }
  const code = fastifyCodes[(error as Partial<FastifyError>).code ?? '']
  return new Problem(code ?? 'internal_error', {}, error)
}

/** What Fastify and Node say, in our codes. */
const fastifyCodes: Readonly<Record<string, ProblemCode>> = {
  FST_ERR_BAD_URL: 'invalid_request',
  FST_ERR_MAX_PARAM_LENGTH: 'uri_too_long',
  FST_ERR_CTP_BODY_TOO_LARGE: 'body_too_large',
  FST_ERR_CTP_INVALID_MEDIA_TYPE: 'unsupported_media_type',
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: 'invalid_request',
  FST_ERR_CTP_EMPTY_JSON_BODY: 'malformed_json',
  FST_ERR_CTP_EMPTY_TYPE: 'unsupported_media_type',
  ECONNRESET: 'request_timeout',
}

const uuidInPath = /^[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$/

/** The parameters of a route's pattern, also those that other plugins write with capitals. */
const parameter = /:([A-Za-z_]+)/g

/** The address asked for, as far as it is our own words: a path segment that is no id is not repeated. */
function instanceOf(pattern: string, path: string): string {
  const asked = path.split('/')
  const told = pattern.split('/').map((segment, index) => {
    const value = asked[index] ?? ''
    return segment.startsWith(':') && uuidInPath.test(value)
      ? value
      : segment.replace(parameter, '{$1}')
  })
  return told.join('/')
}

/** The path of an address. A client may ask for a whole address, as it would ask a proxy. RFC 9112, 3.2.2. */
function pathOf(address: string): string {
  return address.replace(/^https?:\/\/[^/?]*/, '').split('?', 1)[0] ?? ''
}

/** Knows which methods each address takes, for `Allow`. */
class RouteMethods {
  readonly #patterns = new Map<string, { matches: RegExp; methods: Set<string> }>()

  add(url: string, methods: readonly string[]): void {
    if (url.includes('*')) return
    const known = this.#patterns.get(url) ?? { matches: patternOf(url), methods: new Set() }
    for (const method of methods) known.methods.add(method)
    this.#patterns.set(url, known)
  }

  /** The methods that a path takes, and the pattern of a route that it matches; none when there is no such route. */
  at(path: string): { readonly methods: readonly string[]; readonly pattern: string | undefined } {
    const matching = [...this.#patterns].filter(([, { matches }]) => matches.test(path))
    const methods = new Set(matching.flatMap(([, route]) => [...route.methods]))
    return { methods: [...methods].toSorted(), pattern: matching[0]?.[0] }
  }
}

function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replace(parameter, '[^/]+')}$`)
}
