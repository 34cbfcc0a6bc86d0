import {
  noLedger,
  type AuditObjectKind,
  type AuditOutcome,
  type AuditRecord,
} from '../engine/audit-record.ts'
import { firstIdAt, newId, timeOfId } from '../engine/new-id.ts'
import type { Reader, Statement } from './reader.ts'
import type { Row } from './rows.ts'
import type { Step } from './writer.ts'

/**
 * Writes records of one ledger that belong together as one row; a row each cost a payment 12 µs of Postgres, of 99. Its id begins with
 * the time of all of them.
 */
export const insertRecords: Statement = {
  name: 'insert_audit_records',
  text: `insert into audit_log (ledger_id, id, records) values ($1, $2, $3) returning id`,
}

/** The step that writes a record in the database transaction of what it speaks of; none where nobody asked. */
export function recordSteps(record: AuditRecord | undefined): readonly Step[] {
  return record === undefined ? [] : recordingSteps([record])
}

/** The steps that write records, one a ledger. */
export function recordingSteps(
  records: readonly AuditRecord[],
): readonly { readonly statement: Statement; readonly parameters: [number, string, string] }[] {
  const byLedger = new Map<number, StoredRecord[]>()
  for (const record of records) {
    const own = byLedger.get(record.ledgerId)
    if (own === undefined) byLedger.set(record.ledgerId, [storedRecord(record)])
    else own.push(storedRecord(record))
  }
  return [...byLedger].map(([ledgerId, own]) => ({
    statement: insertRecords,
    parameters: [ledgerId, newId(), JSON.stringify(own)],
  }))
}

/** A record as it is kept: without its ledger, and without what is not there. */
export interface StoredRecord {
  readonly credential: string
  readonly role?: string | undefined
  readonly address?: string | undefined
  readonly action: string
  readonly outcome: AuditOutcome
  readonly status?: number | undefined
  readonly code?: string | undefined
  readonly object?: { readonly kind: AuditObjectKind; readonly id: string } | undefined
  readonly request_id?: string | undefined
  readonly count?: number | undefined
}

/** Writes a record as it is kept. */
export function storedRecord(record: AuditRecord): StoredRecord {
  return {
    credential: record.credential,
    role: record.role ?? undefined,
    address: record.address ?? undefined,
    action: record.action,
    outcome: record.outcome,
    status: record.status ?? undefined,
    code: record.code ?? undefined,
    object: record.object ?? undefined,
    request_id: record.requestId ?? undefined,
    count: record.count === 1 ? undefined : record.count,
  }
}

/** A record that was read. */
export interface FoundRecord extends AuditRecord {
  /** Its row, and its place in it. */
  readonly id: string
  /** When it was written; ms since 1970. */
  readonly at: number
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

/** Which records a page begins and ends with. */
export interface AuditPage {
  /** Those of one ledger, or of all, and of none, when it is null. */
  readonly ledgerId: number | null
  /** Written at this time or later, and before that one; ms since 1970. */
  readonly since?: number | undefined
  readonly until?: number | undefined
  /** The id behind which the page begins. */
  readonly after?: string | undefined
  readonly size: number
}

/** Records that were found, newest first, and the id behind which the next page begins; undefined on the last. */
export interface FoundRecords {
  readonly records: readonly FoundRecord[]
  readonly next: string | undefined
}

/** Rows that one read takes: few at first, since one may hold hundreds of records, more when few of them fit. */
const rowsPerReadMin = 8
const rowsPerReadMax = 256

/** How many records one page looks through for those that fit: it may be short, and go on. */
const lookedAtMax = 10_000

const afterEveryId = 'ffffffff-ffff-ffff-ffff-ffffffffffff'

/**
 * The newest rows between two ids, of one ledger or of all. Of each ledger it looks at so many as it may give at the most, through
 * `audit_log_pkey`.
 */
const newestRows: Statement = {
  name: 'newest_audit_rows',
  text: `with scope as (
    select id as ledger from ledgers where cast($1 as integer) is null or id = $1
     union all select ${noLedger} where cast($1 as integer) is null)
    select r.* from scope join audit_log r on r.ledger_id = scope.ledger
       and r.id <= $2 and r.id >= coalesce(
             (select a.id from audit_log a
               where a.ledger_id = scope.ledger and a.id <= $2 and a.id >= $3
               order by a.id desc limit 1 offset $4), $3)
     order by r.id desc limit $4`,
}

/** Reads a page of records, newest first, in short reads. */
export async function findRecords(
  reader: Reader,
  filter: AuditFilter,
  { ledgerId, since = 0, until, after, size }: AuditPage,
): Promise<FoundRecords> {
  const oldest = firstIdAt(since)
  const found: FoundRecord[] = []
  let place =
    after === undefined ? { row: newestBefore(until), position: Infinity } : placeOf(after)
  let rowsPerRead = rowsPerReadMin
  for (let looked = 0; looked < lookedAtMax;) {
    const rows = await reader.rows(newestRows, [ledgerId, place.row, oldest, rowsPerRead])
    for (const row of rows) {
      const records = recordsOf(row)
      const end =
        row['id'] === place.row ? Math.min(place.position, records.length) : records.length
      for (const record of records.slice(0, end).toReversed()) {
        looked += 1
        if (!fits(record, filter)) continue
        if (found.length === size) return { records: found, next: found.at(-1)?.id }
        found.push(record)
      }
      place = { row: row['id'] as string, position: 0 }
    }
    if (rows.length < rowsPerRead) return { records: found, next: undefined }
    rowsPerRead = Math.min(rowsPerRead * 2, rowsPerReadMax)
  }
  return { records: found, next: idAt(place.row, place.position) }
}

function fits(record: FoundRecord, filter: AuditFilter): boolean {
  const { credential, action, outcome, code, objectId, requestId } = filter
  return (
    (credential ?? record.credential) === record.credential &&
    (action ?? record.action) === record.action &&
    (outcome ?? record.outcome) === record.outcome &&
    (code === undefined || code === record.code) &&
    (objectId === undefined || objectId === record.object?.id) &&
    (requestId === undefined || requestId === record.requestId)
  )
}

/** The last id before a time. */
function newestBefore(until: number | undefined): string {
  return until === undefined ? afterEveryId : firstIdAt(until)
}

function idAt(row: string, position: number): string {
  return `${row}.${position}`
}

function placeOf(id: string): { readonly row: string; readonly position: number } {
  const [row = '', position = ''] = id.split('.')
  return { row, position: Number(position) }
}

function recordsOf(row: Row): FoundRecord[] {
  const ledgerId = row['ledger_id'] as number
  const id = row['id'] as string
  const at = timeOfId(id)
  // Postgres gives JSON as what it means, SQLite as the text.
  const kept = row['records'] as string | readonly StoredRecord[]
  const records = typeof kept === 'string' ? (JSON.parse(kept) as StoredRecord[]) : kept
  return records.map((record, position) => ({
    id: idAt(id, position),
    at,
    ledgerId,
    credential: record.credential,
    role: record.role ?? null,
    address: record.address ?? null,
    action: record.action,
    outcome: record.outcome,
    status: record.status ?? null,
    code: record.code ?? null,
    object: record.object ?? null,
    requestId: record.request_id ?? null,
    count: record.count ?? 1,
  }))
}
