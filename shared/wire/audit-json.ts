import { z } from 'zod'
import { roles } from '../access/role.ts'
import { auditObjectKinds, auditOutcomes, type AuditRecord } from '../engine/audit-record.ts'
import { line, time, timeJson } from './fields.ts'
import { pageParameters } from './paging.ts'

/** The query of the audit log. */
export const auditQuery = z.strictObject({
  credential: line(300).optional().meta({ example: 'key:lf_0f1e2d3c4b5a' }),
  action: line(100).optional().meta({ description: 'An operation.', example: 'postTransaction' }),
  outcome: z.enum(auditOutcomes).optional(),
  code: line(100)
    .optional()
    .meta({ description: 'The code of the problem.', example: 'forbidden' }),
  object: line(100).optional().meta({ description: 'The id of what it was about.' }),
  request_id: line(128).optional().meta({ description: 'The answer has it as `X-Request-Id`.' }),
  since: time.optional().meta({ description: 'Written at this time or later.' }),
  until: time.optional().meta({ description: 'Written before this time.' }),
  ...pageParameters,
})

/** One record as the API shows it. */
export const auditJsonSchema = z
  .strictObject({
    id: z.string(),
    at: z.iso.datetime(),
    credential: z.string(),
    role: z.enum(roles).nullable(),
    ledger: z.string().nullable().meta({ description: 'Null: of none, or of all.' }),
    address: z.string().nullable(),
    action: z.string(),
    outcome: z.enum(auditOutcomes),
    status: z.int().nullable(),
    code: z.string().nullable(),
    object: z.strictObject({ kind: z.enum(auditObjectKinds), id: z.string() }).nullable(),
    request_id: z.string().nullable(),
    count: z.int(),
  })
  .meta({
    id: 'AuditRecord',
    description:
      'Who did what, when, from where, and how it ended. `done` and `accepted`: written in the database transaction that did it. ' +
      '`count`: transactions of a batch, or refusals alike that were counted in one minute after the first.',
    examples: [
      {
        id: '0198c0de-7a11-7000-8000-00000000a0d1.0',
        at: '2026-01-31T12:00:00.000Z',
        credential: 'key:lf_0f1e2d3c4b5a',
        role: 'poster',
        ledger: 'default',
        address: '10.0.0.7',
        action: 'postTransaction',
        outcome: 'done',
        status: 201,
        code: null,
        object: { kind: 'transaction', id: '0198c0de-7a11-7000-8000-0000000075ac' },
        request_id: '5e1c0ffe-4711',
        count: 1,
      },
    ],
  })

/** Writes a record; `ledgers` gives the names of the ledgers. */
export function auditJson(
  record: AuditRecord & { readonly id: string; readonly at: number },
  ledgers: ReadonlyMap<number, string>,
): z.input<typeof auditJsonSchema> {
  const { id, credential, address, action, outcome, status, code, object, count } = record
  return {
    id,
    at: timeJson(record.at),
    credential,
    role: record.role as (typeof roles)[number] | null,
    ledger: ledgers.get(record.ledgerId) ?? null,
    address,
    action,
    outcome,
    status,
    code,
    object,
    request_id: record.requestId,
    count,
  }
}
