import type { AuditOutcome, AuditRecord } from '../engine/audit-record.ts'
import { firstIdAt, timeOfId } from '../engine/new-id.ts'
import type { StoredRecord } from './audit-log.ts'
import type { Reader, Statement } from './reader.ts'
import type { Row } from './rows.ts'

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

/** The newest rows of a ledger between two ids, through `audit_log_pkey`. */
const newestRows: Statement = {
  name: 'newest_audit_rows',
  text: `select * from audit_log
          where ledger_id = $1 and id <= $2 and id >= $3 order by id desc limit $4`,
}

/** Reads a page of records, newest first, in short reads; each is one round trip, or one a ledger where all are asked for. */
export async function findRecords(
  reader: Reader,
  ledgers: readonly number[],
  filter: AuditFilter,
  { since = 0, until, after, size }: AuditPage,
): Promise<FoundRecords> {
  const oldest = firstIdAt(since)
  const found: FoundRecord[] = []
  let place =
    after === undefined ? { row: newestBefore(until), position: Infinity } : placeOf(after)
  let rowsPerRead = rowsPerReadMin
  for (let looked = 0; looked < lookedAtMax;) {
    const { rows, isMore } = await rowsOf(reader, ledgers, [place.row, oldest, rowsPerRead])
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
    if (!isMore) return { records: found, next: undefined }
    rowsPerRead = Math.min(rowsPerRead * 2, rowsPerReadMax)
  }
  return { records: found, next: idAt(place.row, place.position) }
}

/** The newest rows of some ledgers, as far as none of another that is as new was left out. */
async function rowsOf(
  reader: Reader,
  ledgers: readonly number[],
  [newest, oldest, size]: readonly [newest: string, oldest: string, size: number],
): Promise<{ readonly rows: readonly Row[]; readonly isMore: boolean }> {
  const all: Row[] = []
  let reach: string | undefined
  for (const ledgerId of ledgers) {
    const rows = await reader.rows(newestRows, [ledgerId, newest, oldest, size])
    const last = rows[size - 1]?.['id'] as string | undefined
    if (last !== undefined && (reach === undefined || last > reach)) reach = last
    all.push(...rows)
  }
  const idOf = (row: Row) => row['id'] as string
  const rows = reach === undefined ? all : all.filter((row) => idOf(row) >= (reach ?? ''))
  return {
    rows: rows.toSorted((a, b) => (idOf(a) < idOf(b) ? 1 : -1)),
    isMore: reach !== undefined,
  }
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
