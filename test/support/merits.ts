import { refusalCodes, type RefusalCode } from '../../shared/ledger/refusal.ts'

/** What the rules of the ledger can refuse a transaction for, in the public order. An operator's no is not a rule, nor is another's refusal. */
export const merits: readonly RefusalCode[] = refusalCodes.filter(
  (code) => code !== 'refused_by_operator' && code !== 'batch_aborted',
)

/** Those that do not depend on when a transaction takes effect: what most stories can come upon. */
export const timelessMerits: readonly RefusalCode[] = merits.filter(
  (code) => code !== 'books_closed',
)
