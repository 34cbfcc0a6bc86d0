import type { Database, Statement } from 'better-sqlite3'
import type { AuditRecord } from '../../engine/audit-record.ts'
import { auditColumns, auditParameters } from '../audit-records.ts'

/** Inserts a record; a second one of the same id is passed over by the trigger `audit_records_once`. */
const insertRecord = `
  insert into audit_records (${auditColumns}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

const times = { timeParameter: (ms: number) => ms }

/** Writes audit records on the one writing connection of a SQLite file, inside whatever is being written. */
export class SqliteAudit {
  readonly #insert: Statement

  constructor(database: Database) {
    this.#insert = database.prepare(insertRecord)
  }

  write(records: readonly AuditRecord[]): void {
    for (const record of records) this.#insert.run(auditParameters(record, times))
  }
}
