import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from '../../../shared/log.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import { answerProblem, sendProblem } from '../answer-problems.ts'
import { withProblems } from '../operation.ts'
import { openCredential, stranger, type Credential } from './credential.ts'
import { defaultLedgerId, type Gate } from './gate.ts'
import type { FailedLogins } from './limit-requests.ts'
import { classOf, isForBrowsers, roleOpens, type AccessClass } from './route-access.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Who asks. */
    credential: Credential
    /** The ledger that everything this request does is about. */
    ledgerId: number
    /** Whether who asked may still have this now: of a request that is answered for long. Rejects with `StoreFailure`. */
    mayStill(): Promise<boolean>
  }
  interface FastifyContextConfig {
    access?: AccessClass
  }
}

/** What a browser is asked for on the pages for operators: any user name, and the key as password. */
const challenges = {
  api: 'Bearer realm="LedgerFlow"',
  page: 'Basic realm="LedgerFlow", charset="UTF-8"',
}

/**
 * Gives every route its access class, and asks every caller for what the class asks, before a byte of its body is read. A route
 * without a class is a defect: the server does not start.
 */
export function admitRequests(
  server: FastifyInstance,
  gate: Gate,
  failedLogins: FailedLogins,
  log: Logger,
): void {
  const answer = answerProblem(log)
  server.decorateRequest('credential')
  server.decorateRequest('ledgerId', defaultLedgerId)
  server.decorateRequest('mayStill', function mayStill() {
    return isStillAdmitted(this)
  })
  server.addHook('onRoute', (route) => {
    const classes = new Set([route.method].flat().map((method) => classOf(method, route.url)))
    const [access, ...others] = classes
    if (access === undefined || others.length > 0) {
      throw new Error(`${[route.method].flat().join(', ')} ${route.url} has no access class`)
    }
    // What the limiter throws, the board would answer by itself.
    const isLimited = access !== 'public' && !isForBrowsers(route.url)
    route.config = { ...route.config, access, ...(isLimited ? {} : { rateLimit: false }) }
    if (access !== 'public') describeAccess(route.schema)
  })
  server.addHook('onRequest', (request, reply, done) => {
    if (request.is404) return done()
    // Answered here: what is thrown to a route of the board, the board answers by itself, and not as we do. With a callback: an
    // async hook would go on to the route while the answer still waits for the rest of an unread body.
    const judgement = judge(request, reply)
    if (!(judgement instanceof Promise)) return conclude(judgement, request, reply, done)
    judgement.then(
      (problem) => conclude(problem, request, reply, done),
      (error: unknown) => answer(error, request, reply),
    )
  })

  /** Lets a request in, or says what is wrong; at once where the caller is known, as nearly all are. */
  function judge(request: FastifyRequest, reply: FastifyReply): Judgement | Promise<Judgement> {
    const { access = 'admin' } = request.routeOptions.config
    request.credential = stranger
    if (access === 'public') return undefined
    if (gate.isOpen) return enter(request, reply, openCredential)
    const shown = credentialIn(request)
    if (shown === undefined) return unauthenticated(request, reply, 'missing')
    const known = gate.knows(shown)
    return known === undefined ? lookUp(request, reply, shown) : enter(request, reply, known)
  }

  async function isStillAdmitted(request: FastifyRequest): Promise<boolean> {
    if (gate.isOpen) return true
    const shown = credentialIn(request)
    if (shown === undefined) return false
    const found = gate.knows(shown) ?? (await gate.lookUp(shown))
    if ('wrong' in found) return false
    const { role, ledgerId } = 'credential' in found ? found.credential : found
    const { access = 'admin' } = request.routeOptions.config
    return roleOpens[role].includes(access) && (ledgerId ?? request.ledgerId) === request.ledgerId
  }

  async function lookUp(
    request: FastifyRequest,
    reply: FastifyReply,
    shown: string,
  ): Promise<Judgement> {
    // Whoever guesses is not looked up any more; who shares its address and was good before still is.
    const tooMany = gate.hasSeen(shown) ? undefined : failedLogins.refusal(request.ip)
    if (tooMany !== undefined) return tooMany
    const found = await gate.lookUp(shown)
    if (!('wrong' in found)) return enter(request, reply, found.credential)
    if (found.wrong === 'forged') failedLogins.note(request.ip)
    return unauthenticated(request, reply, 'wrong')
  }

  function enter(
    request: FastifyRequest,
    reply: FastifyReply,
    credential: Credential,
  ): Judgement | Promise<Judgement> {
    const { access = 'admin' } = request.routeOptions.config
    request.credential = credential
    if (!roleOpens[credential.role].includes(access)) return forbidden(reply, credential, access)
    const { ledger: named } = request.headers
    const ledger = gate.ledgerOf(credential, named === undefined ? undefined : String(named))
    return ledger instanceof Promise
      ? ledger.then((found) => settled(request, found))
      : settled(request, ledger)
  }
}

/** Lets a request in, or answers what is wrong with it. */
function conclude(
  problem: Judgement,
  request: FastifyRequest,
  reply: FastifyReply,
  done: () => void,
): void {
  if (problem === undefined) done()
  else sendProblem(request, reply, problem)
}

/** Lets a request into the ledger that was found for it. */
function settled(request: FastifyRequest, found: number | Problem): Judgement {
  if (found instanceof Problem) return found
  request.ledgerId = found
  return undefined
}

/** What is wrong with a request; undefined when it may come in. */
type Judgement = Problem | undefined

/** The key or token that a request shows: as bearer, or on pages for browsers as the password of Basic. RFC 6750, RFC 7617. */
function credentialIn(request: FastifyRequest): string | undefined {
  const [, scheme = '', text = ''] =
    /^(\S+) +(\S+) *$/.exec(request.headers.authorization ?? '') ?? []
  switch (scheme.toLowerCase()) {
    case 'bearer':
      return text
    case 'basic':
      return isForBrowsers(request.routeOptions.url ?? '')
        ? Buffer.from(text, 'base64')
            .toString()
            .replace(/^[^:]*:/, '')
        : undefined
    default:
      return undefined
  }
}

function unauthenticated(
  request: FastifyRequest,
  reply: FastifyReply,
  why: 'missing' | 'wrong',
): Problem {
  const bearer = why === 'wrong' ? `${challenges.api}, error="invalid_token"` : challenges.api
  const isPage = isForBrowsers(request.routeOptions.url ?? '')
  void reply.header('www-authenticate', isPage ? [challenges.page, bearer] : bearer)
  const detail =
    why === 'missing'
      ? 'This route asks for a credential: Authorization: Bearer …'
      : 'The credential is not valid, or no longer.'
  return new Problem('unauthenticated', { detail })
}

/** Throws the problem of a caller whose role does not open what it asks of a route that it may otherwise use. */
export function demand(
  { credential }: Pick<FastifyRequest, 'credential'>,
  reply: FastifyReply,
  access: AccessClass,
): void {
  if (!roleOpens[credential.role].includes(access)) throw forbidden(reply, credential, access)
}

function forbidden(reply: FastifyReply, { role }: Credential, access: AccessClass): Problem {
  void reply.header('www-authenticate', `${challenges.api}, error="insufficient_scope"`)
  return new Problem('forbidden', { details: { role, needed: access } })
}

/** Adds what a caller who is not public may be answered to what a route says of itself. */
function describeAccess(schema: unknown): void {
  const described = schema as
    { hide?: boolean; security?: unknown; response?: Record<number, unknown> } | undefined
  if (described === undefined || described.hide === true || described.response === undefined) return
  described.security = [{ credential: [] }]
  described.response = withProblems(described.response, [
    'invalid_request',
    'unauthenticated',
    'forbidden',
    'rate_limited',
    'store_unavailable',
    'token_keys_unavailable',
  ])
}
