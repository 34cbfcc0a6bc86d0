import {
  noLedger,
  type AuditObjectKind,
  type AuditOutcome,
  type AuditRecord,
} from '../engine/audit-record.ts'
import type { Parameter, Reader, Statement } from './reader.ts'
import type { Row } from './rows.ts'
import type { Step } from './writer.ts'

/** The columns of a record, in the order of the parameters that write it. */
export const auditColumns =
  'ledger_id, id, at, credential, role, address, action, outcome, status, code, object_kind, object_id, request_id, count'

const insertRecord: Statement = {
  name: 'insert_audit_record',
  text: `insert into audit_records (${auditColumns})
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14) returning id`,
}

/** The step that writes a record in the database transaction of what it speaks of; none where nobody asked. */
export function recordSteps(
  reader: Pick<Reader, 'timeParameter'>,
  record: AuditRecord | undefined,
): readonly Step[] {
  if (record === undefined) return []
  return [{ statement: insertRecord, parameters: auditParameters(record, reader) }]
}

/** The values of a record, in the order of `auditColumns`. */
export function auditParameters(
  record: AuditRecord,
  { timeParameter }: Pick<Reader, 'timeParameter'>,
): Parameter[] {
  const { ledgerId, id, at, credential, role, address, action, outcome } = record
  const { status, code, object, requestId, count } = record
  return [
    ledgerId,
    id,
    timeParameter(at),
    credential,
    role,
    address,
    action,
    outcome,
    status,
    code,
    object?.kind ?? null,
    object?.id ?? null,
    requestId,
    count,
  ]
}

/** What records are to be like; what is left out does not matter. */
export interface AuditFilter {
  readonly credential?: string | undefined
  readonly action?: string | undefined
  readonly outcome?: AuditOutcome | undefined
  readonly code?: string | undefined
  readonly objectId?: string | undefined
  readonly requestId?: string | undefined
}

/** Which records a page looks at: those of one ledger, or of all (and of none) when it is null; ids are exclusive bounds. */
export interface AuditPage {
  readonly ledgerId: number | null
  readonly before: string
  readonly after: string
  readonly size: number
}

/** Records that were found, newest first, and the id before which the next page begins; undefined on the last. */
export interface FoundRecords {
  readonly records: readonly AuditRecord[]
  readonly next: string | undefined
}

/** How many records of a ledger one page looks through for those that fit: a page may be short, and go on. */
const lookedAtMax = 10_000

/** The ledgers that are asked about. */
const scope = `with scope as (
    select id as ledger from ledgers where cast($1 as integer) is null or id = $1
     union all select ${noLedger} where cast($1 as integer) is null)`

/** The oldest record that a page looks at: what is older in one ledger is left for the next page in all of them. Through `audit_records_pkey`. */
const horizon: Statement = {
  name: 'audit_horizon',
  text: `${scope}
    select cast(r.id as text) as id
      from scope join audit_records r on r.ledger_id = scope.ledger
       and r.id = (select a.id from audit_records a
                    where a.ledger_id = scope.ledger and a.id < $2 and a.id > $3
                    order by a.id desc limit 1 offset $4)
     order by r.id desc limit 1`,
}

/** The records between two ids that fit a filter, newest first, through `audit_records_pkey`. */
const recordsBetween: Statement = {
  name: 'audit_records_between',
  text: `${scope}
    select r.* from scope join audit_records r on r.ledger_id = scope.ledger
     where r.id < $2 and r.id >= $3
       and (cast($4 as text) is null or r.credential = $4)
       and (cast($5 as text) is null or r.action = $5)
       and (cast($6 as text) is null or r.outcome = $6)
       and (cast($7 as text) is null or r.code = $7)
       and (cast($8 as text) is null or r.object_id = $8)
       and (cast($9 as text) is null or r.request_id = $9)
     order by r.id desc limit $10`,
}

/** Reads a page of records. Two statements, each of which looks at a bounded number of rows in each ledger. */
export async function findRecords(
  reader: Reader,
  filter: AuditFilter,
  { ledgerId, before, after, size }: AuditPage,
): Promise<FoundRecords> {
  const { credential, action, outcome, code, objectId, requestId } = filter
  const wanted = [credential, action, outcome, code, objectId, requestId].map(
    (value) => value ?? null,
  )
  const looked = wanted.every((value) => value === null) ? size : lookedAtMax
  const [oldest] = await reader.rows(horizon, [ledgerId, before, after, looked])
  const from = (oldest?.['id'] as string | undefined) ?? after
  const parameters = [ledgerId, before, from, ...wanted, size + 1]
  const found = (await reader.rows(recordsBetween, parameters)).map(recordOf)
  const records = found.slice(0, size)
  const isMore = found.length > size
  return { records, next: isMore ? records.at(-1)?.id : (oldest?.['id'] as string | undefined) }
}

function recordOf(row: Row): AuditRecord {
  const kind = row['object_kind'] as AuditObjectKind | null
  return {
    id: row['id'] as string,
    ledgerId: row['ledger_id'] as number,
    at: Number(row['at']),
    credential: row['credential'] as string,
    role: row['role'] as string | null,
    address: row['address'] as string | null,
    action: row['action'] as string,
    outcome: row['outcome'] as AuditOutcome,
    status: row['status'] as number | null,
    code: row['code'] as string | null,
    object: kind === null ? null : { kind, id: row['object_id'] as string },
    requestId: row['request_id'] as string | null,
    count: row['count'] as number,
  }
}
