import type { FastifyRequest } from 'fastify'
import type { ActionEnd, AuditRecord, Witness } from '../../../shared/engine/audit-record.ts'
import { problems, type ProblemCode } from '../../../shared/wire/problems.ts'
import { openCredential } from '../access/credential.ts'

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
  { status = 200, action = actionOf(request), ledgerId }: Particulars = {},
): Witness | undefined {
  if (request.credential === openCredential) return undefined
  return (end) => {
    request.isWitnessed = true
    return {
      ...asked(request, action),
      ...(ledgerId === undefined ? {} : { ledgerId }),
      ...wentLike(end, status),
      object: { kind: end.kind, id: end.id },
      count: end.count ?? 1,
    }
  }
}

/** The record of a request that was denied, or refused without anything being kept of it. */
export function refusalRecord(request: FastifyRequest, status: number): AuditRecord {
  const isDenied = status === 401 || status === 403 || status === 429
  return {
    ...asked(request, actionOf(request)),
    outcome: isDenied ? 'denied' : 'refused',
    status,
    code: request.problemCode ?? null,
    object: null,
    count: 1,
  }
}

function asked(
  request: FastifyRequest,
  action: string,
): Pick<AuditRecord, 'ledgerId' | 'credential' | 'role' | 'address' | 'action' | 'requestId'> {
  const { credential } = request
  const isKnown = credential.ledgerId !== 0
  return {
    ledgerId: isKnown ? request.ledgerId : 0,
    credential: credential.id,
    role: isKnown ? credential.role : null,
    address: request.ip,
    action,
    requestId: request.id,
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
