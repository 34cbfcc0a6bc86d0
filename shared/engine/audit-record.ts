/** How an action ended: it changed something (now, or it was accepted for later), or it was refused on merits, or not permitted. */
export const auditOutcomes = ['done', 'accepted', 'refused', 'denied'] as const
export type AuditOutcome = (typeof auditOutcomes)[number]

/** What an action may be about. */
export const auditObjectKinds = [
  'account',
  'transaction',
  'batch',
  'currency',
  'ledger',
  'key',
  'role',
  'webhook',
] as const
export type AuditObjectKind = (typeof auditObjectKinds)[number]

/** The ledger of what belongs to none: a caller whom nobody knows, a key for all ledgers. */
export const noLedger = 0

/** Who did what, from where, and how it ended; when is the time at which it is written. It holds no amount, name, key or secret. */
export interface AuditRecord {
  readonly ledgerId: number
  /** The public name of the credential, `os:` and the user of a script, or `stranger`. */
  readonly credential: string
  readonly role: string | null
  /** The address it came from; null for a script, and where several are counted together. */
  readonly address: string | null
  /** The operation, as the API's description names it. */
  readonly action: string
  readonly outcome: AuditOutcome
  /** The status of the answer; null for a script. */
  readonly status: number | null
  /** The code of the problem it was answered with; null when it was none. */
  readonly code: string | null
  readonly object: { readonly kind: AuditObjectKind; readonly id: string } | null
  readonly requestId: string | null
  /** How many it speaks of: transactions of a batch, or denied requests that were counted together. */
  readonly count: number
}

/** What an action came to, as whoever writes it knows. */
export interface ActionEnd {
  readonly kind: AuditObjectKind
  readonly id: string
  /** `partly`: some members of a batch were refused. A code: refused on merits, and kept under its key. */
  readonly end: 'done' | 'accepted' | 'partly' | { readonly refused: string }
  readonly count?: number
}

/**
 * Makes the record of one action once it is known what it comes to, to be written in the database transaction that does it. It is
 * called again when that is tried again.
 */
export type Witness = (end: ActionEnd) => AuditRecord
