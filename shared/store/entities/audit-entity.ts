import type { StoredRecord } from '../audit-log.ts'
import type { ColumnKinds } from '../dialect.ts'
import { schema } from './entity-schema.ts'

/** Who did what, as it was written together; never changed, never removed. Ledger 0 is none. */
export interface AuditRow {
  ledgerId: number
  id: string
  records: readonly StoredRecord[]
}

/** The table of who did what. */
export function auditEntity(kinds: ColumnKinds) {
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  return schema<AuditRow>({
    name: 'audit_log',
    columns: { ledgerId, id: { ...kinds.id, primary: true }, records: kinds.jsonText },
  })
}
