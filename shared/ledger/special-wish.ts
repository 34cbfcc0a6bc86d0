/** What an account must be like for a transaction to go through; at least one of the two is there. */
export interface Condition {
  readonly accountId: string
  /** The least that must be available, as the decimal text the client wrote; null asks nothing. */
  readonly availableGte: string | null
  /** The version that the account must have; null asks nothing. */
  readonly version: number | null
}

/** The most conditions of one request. */
export const conditionsMax = 100

/** When a hold ends by itself: so many seconds after it is placed, or at a time (ms since 1970). */
export type HoldTerms = { readonly expiresInS: number } | { readonly expiresAt: number }

/** The longest that a hold may last: money set aside for longer is a matter for an account of its own. */
export const holdSMax = 366 * 24 * 60 * 60

/** How much of a target is wished for: all that remains, an amount shared over its entries, or entries as given. */
export type WishedPart =
  | { readonly of: 'rest' }
  | { readonly of: 'amount'; readonly amount: string }
  | { readonly of: 'entries' }

/** The wish to capture a hold, or a part of it; `final` releases what is left. */
export interface CaptureWish {
  readonly kind: 'capture'
  readonly target: string
  readonly part: WishedPart
  readonly final: boolean
}

/** The wish to reverse a posted transaction, or a part of it. */
export interface ReversalWish {
  readonly kind: 'reversal'
  readonly target: string
  readonly part: WishedPart
  readonly reason: string
}

/** An operator's word that the limits of accounts do not count for a transaction, and why. All other rules do. */
export interface LimitsOverride {
  readonly reason: string
}

/** The wish to set money aside. */
export interface HoldWish {
  readonly kind: 'hold'
  readonly terms: HoldTerms
  readonly require: readonly Condition[]
  readonly override?: LimitsOverride
}

/** The wish to post at once, but only under conditions, or beyond limits. */
export interface ConditionalWish {
  readonly kind: 'post'
  readonly require: readonly Condition[]
  readonly override?: LimitsOverride
}

/**
 * What a transaction was asked for beyond posting its entries at once. It is stored with the transaction, so that a queued one is
 * decided by it and a retry can be compared with it.
 */
export type SpecialWish = ConditionalWish | HoldWish | CaptureWish | ReversalWish

/** What may be asked of a hold that makes no transaction of its own. */
export type HoldChangeWish =
  | { readonly kind: 'void'; readonly target: string }
  | { readonly kind: 'extend'; readonly target: string; readonly terms: HoldTerms }

/** The transaction that a wish is about, if it is about one. */
export function targetOfWish(wish: SpecialWish | null): string | undefined {
  return wish?.kind === 'capture' || wish?.kind === 'reversal' ? wish.target : undefined
}

/** The override of a wish, if it has one. */
export function overrideOf(wish: SpecialWish | null): LimitsOverride | undefined {
  return wish?.kind === 'post' || wish?.kind === 'hold' ? wish.override : undefined
}

/** The conditions of a wish. */
export function conditionsOf(wish: SpecialWish | null): readonly Condition[] {
  return wish?.kind === 'post' || wish?.kind === 'hold' ? wish.require : []
}
