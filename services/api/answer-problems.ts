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
    done(request.is404 ? nothingThere(routes.at(request.url)) : undefined)
  })
  server.setNotFoundHandler(() => {
    throw new Problem('route_not_found')
  })
}

function nothingThere(methods: readonly string[]): Problem {
  const allow = methods.join(', ')
  return methods.length > 0
    ? new Problem('method_not_allowed', { detail: `This address takes ${allow}.`, allow })
    : new Problem('route_not_found')
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
  if (retryAfterS !== undefined) void reply.header('retry-after', String(retryAfterS))
  if (allow !== undefined) void reply.header('allow', allow)
  void reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .serializer((body: unknown) => JSON.stringify(body))
  afterUnreadBody(request.raw, () => void reply.send(problemJson(problem, instanceOf(request))))
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

/** The address asked for, as far as it is our own words: a path segment that is no id is not repeated. */
function instanceOf(request: FastifyRequest): string {
  const pattern = request.routeOptions.url
  if (pattern === undefined) return '/'
  const parameters = (request.params ?? {}) as Record<string, string>
  return pattern.replace(/:([a-z_]+)/g, (_, name: string) => {
    const value = parameters[name] ?? ''
    return uuidInPath.test(value) ? value : `{${name}}`
  })
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

  at(address: string): string[] {
    // A client may ask for a whole address, as it would ask a proxy. RFC 9112, 3.2.2.
    const path = address.replace(/^https?:\/\/[^/?]*/, '').split('?', 1)[0] ?? ''
    const methods = new Set<string>()
    for (const pattern of this.#patterns.values()) {
      if (pattern.matches.test(path)) for (const method of pattern.methods) methods.add(method)
    }
    return [...methods].toSorted()
  }
}

function patternOf(url: string): RegExp {
  const escaped = url.replace(/[.+?^${}()|[\]\\]/g, String.raw`\$&`)
  return new RegExp(`^${escaped.replace(/:[a-z_]+/g, '[^/]+')}$`)
}
