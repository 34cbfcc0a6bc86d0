import type { EventType } from '../../engine/event.ts'
import type { ColumnKinds } from '../dialect.ts'
import { schema } from './entity-schema.ts'

/** What has happened to a transaction or an account; never changed, removed when it is old. */
export interface EventRow {
  ledgerId: number
  /** Greater than of all that were told before it; below 2^63. */
  position: bigint
  type: EventType
  subjectId: string
  createdAt: number
  details: unknown
}

/** What is told; the migration says how positions are made. */
export function eventEntity(kinds: ColumnKinds) {
  return schema<EventRow>({
    name: 'events',
    columns: {
      ledgerId: { type: 'integer', name: 'ledger_id', primary: true },
      position: { ...kinds.count, primary: true },
      type: { type: 'text' },
      subjectId: { ...kinds.id, name: 'subject_id' },
      createdAt: { ...kinds.time, name: 'created_at' },
      details: { ...kinds.jsonText, nullable: true },
    },
  })
}
