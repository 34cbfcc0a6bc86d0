import type { Priced } from './command.ts'
import { applyEntries, firstInactive, type Decision } from './decide.ts'
import { endedAs, openHold, release, type Books } from './end-hold.ts'
import { partOf } from './part-of-target.ts'
import { refuse } from './refusal.ts'
import type { CaptureWish } from './special-wish.ts'
import { remainingOf, withResolved } from './target.ts'

/**
 * Decides a capture: money that was set aside is moved. It cannot fail for funds, which were counted when the hold was placed.
 * What is left is released when the capture is final, and the hold ends then, or when nothing is left. Pure, as `decide`.
 */
export function capture(wish: CaptureWish, given: Priced, books: Books): Decision {
  const hold = openHold(wish.target, books)
  if ('code' in hold) return { outcome: 'refused', refusal: hold }
  const part = partOf(hold, wish.part, given)
  if ('excess' in part) return { outcome: 'refused', refusal: refuse('hold_exceeded', part.excess) }
  const inactive = firstInactive(part.entries, books.accounts)
  if (inactive !== undefined) return { outcome: 'refused', refusal: inactive }

  release(hold, part.taken, books.accounts)
  const entries = applyEntries(part.entries, books.accounts)
  const left = withResolved(hold, part.taken)
  if (wish.final || remainingOf(left).every((amount) => amount === 0n)) {
    endedAs('captured', left, books)
  } else books.targets.set(left.id, left)
  return { outcome: 'posted', entries, currencies: part.currencies }
}
