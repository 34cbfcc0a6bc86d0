import type { AuditObjectKind, AuditOutcome, AuditRecord } from '../engine/audit-record.ts'
import { newId } from '../engine/new-id.ts'
import type { Statement } from './reader.ts'
import type { Step } from './writer.ts'

/**
 * Writes records of one ledger that belong together as one row; a row each cost a payment 12 µs of Postgres, of 99. Its id begins with
 * the time of all of them.
 */
const insertRecords: Statement = {
  name: 'insert_audit_records',
  text: `insert into audit_log (ledger_id, id, records) values ($1, $2, $3) returning id`,
}

/** The step that writes a record in the database transaction of what it speaks of; none where nobody asked. */
export function recordSteps(record: AuditRecord | undefined): readonly Step[] {
  return record === undefined ? [] : recordingSteps([record])
}

/** The steps that write records, one a ledger; by that statement, if not by the usual one. */
export function recordingSteps(
  records: readonly AuditRecord[],
  statement = insertRecords,
): readonly { readonly statement: Statement; readonly parameters: [number, string, string] }[] {
  const byLedger = new Map<number, StoredRecord[]>()
  for (const record of records) {
    const own = byLedger.get(record.ledgerId)
    if (own === undefined) byLedger.set(record.ledgerId, [storedRecord(record)])
    else own.push(storedRecord(record))
  }
  return [...byLedger].map(([ledgerId, own]) => ({
    statement,
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
