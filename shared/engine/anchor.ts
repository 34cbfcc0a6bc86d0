import { hash } from 'node:crypto'

/** Where the chain of an account stood when it was anchored. */
export interface AnchoredHead {
  readonly accountId: string
  /** The version of the account's newest entry by then. */
  readonly version: number
  /** Its hash, in hex; null where it has none. */
  readonly hash: string | null
}

/**
 * A seal over the heads of all accounts of a ledger that have moved in some span of time and whose ids lie in some span, chained to the
 * anchor before it. What lies outside of these spans is in the anchors before, or in those that follow.
 */
export interface Anchor {
  readonly ledgerId: number
  /** 1, 2, 3 … within the ledger. */
  readonly number: number
  /** Ms since 1970, as the other times. */
  readonly createdAt: number
  /** Accounts that have moved at or before this time and not since are in earlier anchors; null for none. */
  readonly movedAfter: number | null
  /** Everything that was posted up to here is covered, of accounts in the span. */
  readonly movedUntil: number
  /** The account with which it ends; null when it goes to the last one. The next anchor goes on from there. */
  readonly lastAccountId: string | null
  /** How many accounts it has the heads of. */
  readonly heads: number
  /** The hash over these. */
  readonly root: string
  /** The hash of the anchor before. */
  readonly previous: string
  readonly hash: string
}

/** What stands before a ledger's first anchor. */
export function anchorStart(ledgerId: number): string {
  return hash('sha256', `ledgerflow anchors 1 ${ledgerId}`, 'hex')
}

/** The hash over heads, which come in the order of their accounts' ids. */
export function rootOf(heads: readonly AnchoredHead[]): string {
  const lines = heads.map((head) => `${head.accountId} ${head.version} ${head.hash}\n`)
  return hash('sha256', lines.join(''), 'hex')
}

/** The hash of an anchor over all else that it says. */
export function anchorHash(anchor: Omit<Anchor, 'hash'>): string {
  const { previous, ledgerId, number, createdAt, movedAfter, movedUntil } = anchor
  const { lastAccountId, heads, root } = anchor
  return hash(
    'sha256',
    [
      previous,
      ledgerId,
      number,
      createdAt,
      movedAfter,
      movedUntil,
      lastAccountId,
      heads,
      root,
    ].join(' '),
    'hex',
  )
}
