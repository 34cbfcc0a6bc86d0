import { capture } from './capture.ts'
import type { Priced } from './command.ts'
import { decide, type Decision } from './decide.ts'
import type { Books } from './end-hold.ts'
import { placeHold, type HoldDecision } from './place-hold.ts'
import { reverse } from './reverse.ts'
import type { SpecialWish } from './special-wish.ts'

/**
 * Decides a transaction of any kind against accounts and targets that the caller has locked. Pure; what it decides moves `books`
 * forward for the next member of the batch, and a refusal leaves them as they were.
 */
export function decideWish(
  wish: SpecialWish | null,
  priced: Priced,
  books: Books,
): Decision | HoldDecision {
  switch (wish?.kind) {
    case undefined:
      return decide(priced, books.accounts)
    case 'post':
      return decide(priced, books.accounts, wish.require, wish.override)
    case 'hold':
      return placeHold(priced, wish, books.accounts, books.now)
    case 'capture':
      return capture(wish, priced, books)
    case 'reversal':
      return reverse(wish, priced, books)
  }
}
