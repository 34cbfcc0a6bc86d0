import type { FastifyRequest } from 'fastify'
import {
  noLedger,
  type ActionEnd,
  type AuditRecord,
  type Witness,
} from '../../../shared/engine/audit-record.ts'
import { problems, type ProblemCode } from '../../../shared/wire/problems.ts'
import { openCredential, stranger } from '../access/credential.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** Whether what it did is recorded where it was done, or it was only a rehearsal. */
    isWitnessed: boolean
    /** The code of the problem it was answered with. */
    problemCode: ProblemCode | undefined
  }
  interface FastifyContextConfig {
    /** The operation, as the API's description names it. */
    action?: string
  }
}

/** What posting beyond limits is called: more than its route is for. */
export const overridingAction = 'overrideLimits'

/** What a request does when it does not only do what its route is for. */
interface Particulars {
  /** The status when all of it is done at once. */
  readonly status?: number
  readonly action?: string
  readonly ledgerId?: number
}

/**
 * Who records what a request does, in the database transaction that does it: without its record nothing is done. Undefined where no
 * credential is asked for: then there is nobody to speak of.
 */
export function witnessOf(
  request: FastifyRequest,
  { status = 200, action, ledgerId }: Particulars = {},
): Witness | undefined {
  if (request.credential === openCredential) return undefined
  return (end) => {
    request.isWitnessed = true
    const { credential } = request
    const went = wentLike(end, status)
    // Written out, since every payment has one: spread together from three parts it took 6 µs instead of 0.2.
    return {
      ledgerId: ledgerId ?? request.ledgerId,
      credential: credential.id,
      role: credential.role,
      address: request.ip,
      action: action ?? actionOf(request),
      outcome: went.outcome,
      status: went.status,
      code: went.code,
      object: { kind: end.kind, id: end.id },
      requestId: request.id,
      count: end.count ?? 1,
    }
  }
}

/** The record of a request that was denied, or refused without anything being kept of it. */
export function refusalRecord(request: FastifyRequest, status: number): AuditRecord {
  const isDenied = status === 401 || status === 403 || status === 429
  const { credential } = request
  const isKnown = credential !== stranger
  return {
    ledgerId: isKnown ? request.ledgerId : noLedger,
    credential: credential.id,
    role: isKnown ? credential.role : null,
    address: request.ip,
    action: actionOf(request),
    outcome: isDenied ? 'denied' : 'refused',
    status,
    code: request.problemCode ?? null,
    object: null,
    requestId: request.id,
    count: 1,
  }
}

function wentLike(
  { end }: ActionEnd,
  doneStatus: number,
): Pick<AuditRecord, 'outcome' | 'status' | 'code'> {
  switch (end) {
    case 'done':
      return { outcome: 'done', status: doneStatus, code: null }
    case 'partly':
      return { outcome: 'done', status: 200, code: null }
    case 'accepted':
      return { outcome: 'accepted', status: 202, code: null }
    default: {
      const code = end.refused as ProblemCode
      return { outcome: 'refused', status: problems[code].status, code }
    }
  }
}

function actionOf({ method, routeOptions: { config, url } }: FastifyRequest): string {
  return config.action ?? `${method} ${url ?? '/'}`
}
