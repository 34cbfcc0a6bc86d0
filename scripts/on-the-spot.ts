import { userInfo } from 'node:os'
import type { ActionEnd, AuditRecord } from '../shared/engine/audit-record.ts'
import { noLedger } from '../shared/engine/audit-record.ts'

/** The record of what somebody does by a script: the user of this machine, and what became of what. */
export function recordOfScript(
  action: string,
  { kind, id, ledgerId }: Pick<ActionEnd, 'kind' | 'id'> & { readonly ledgerId?: number | null },
): AuditRecord {
  return {
    ledgerId: ledgerId ?? noLedger,
    credential: `os:${userName()}`,
    role: null,
    address: null,
    action,
    outcome: 'done',
    status: null,
    code: null,
    object: { kind, id },
    requestId: null,
    count: 1,
  }
}

/** A container may run under a number that has no name. */
function userName(): string {
  try {
    return userInfo().username
  } catch {
    return String(process.getuid?.() ?? 'unknown')
  }
}
