import type { AuditRecord } from '../../engine/audit-record.ts'
import { auditColumns } from '../audit-records.ts'
import { plainArray, timeText } from './array-text.ts'
import type { Prepared } from './posting-connection.ts'

/**
 * Writes who asked for what a batch does. It leaves with the batch's own write and commits with it. A record that is there already
 * stays; the insert probes `audit_records_pkey`, whose newest rows are its last.
 */
const writeAudit: Prepared = {
  name: 'write_audit',
  text: `insert into audit_records (${auditColumns})
         select * from unnest($1::integer[], $2::uuid[], $3::timestamptz[], $4::text[], $5::text[],
                              $6::text[], $7::text[], $8::text[], $9::smallint[], $10::text[],
                              $11::text[], $12::text[], $13::text[], $14::integer[])
             on conflict do nothing`,
}

/** The statement that writes records; undefined when there are none. */
export function auditWrite(
  records: readonly AuditRecord[],
): { readonly statement: Prepared; readonly parameters: unknown[] } | undefined {
  if (records.length === 0) return undefined
  const parameters = [
    plainArray(records, (r) => r.ledgerId),
    plainArray(records, (r) => r.id),
    plainArray(records, (r) => timeText(r.at)),
    records.map((r) => r.credential),
    plainArray(records, (r) => r.role),
    records.map((r) => r.address),
    records.map((r) => r.action),
    plainArray(records, (r) => r.outcome),
    plainArray(records, (r) => r.status),
    plainArray(records, (r) => r.code),
    plainArray(records, (r) => r.object?.kind ?? null),
    records.map((r) => r.object?.id ?? null),
    records.map((r) => r.requestId),
    plainArray(records, (r) => r.count),
  ]
  return { statement: writeAudit, parameters }
}
