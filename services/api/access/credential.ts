import type { Role } from '../../../shared/access/role.ts'

/** Who makes a request, and what that opens. */
export interface Credential {
  /** Names it in logs: `key:lf_…` with a key's public prefix, `jwt:` with the subject of a token, or `none` of an open service. */
  readonly id: string
  readonly role: Role
  /** The one ledger it belongs to; null for all. */
  readonly ledgerId: number | null
}

/** Whoever has shown nothing that is good. */
export const stranger: Credential = { id: 'stranger', role: 'viewer', ledgerId: 0 }

/** Everybody's credential where none is asked for. */
export const openCredential: Credential = { id: 'none', role: 'admin', ledgerId: null }
