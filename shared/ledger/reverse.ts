import type { Priced } from './command.ts'
import { decide, type Decision } from './decide.ts'
import type { Books } from './end-hold.ts'
import { mirrored, partOf } from './part-of-target.ts'
import { refuse, type Refusal } from './refusal.ts'
import type { ReversalWish } from './special-wish.ts'
import { remainingOf, withResolved, type Target } from './target.ts'

/**
 * Decides a reversal: what a posted transaction moved is moved back, all that remains of it or a part. It is posted by the
 * same rules as any other transaction, the limits among them. `given` are its own entries. Pure, as `decide`.
 */
export function reverse(wish: ReversalWish, given: Priced, books: Books): Decision {
  const target = reversible(wish.target, books)
  if ('code' in target) return { outcome: 'refused', refusal: target }
  const ofTarget = { ...given, entries: mirrored(given.entries) }
  const part = partOf(target, wish.part, ofTarget)
  if ('excess' in part) {
    return { outcome: 'refused', refusal: refuse('reversal_exceeds_remaining', part.excess) }
  }
  const decision = decide({ ...part, entries: mirrored(part.entries) }, books.accounts)
  if (decision.outcome === 'refused') return decision
  books.targets.set(target.id, withResolved(target, part.taken))
  return { ...decision, currencies: part.currencies }
}

/** The transaction under an id if something of it can still be reversed; otherwise why not. */
function reversible(id: string, { targets }: Books): Target | Refusal {
  const target = targets.get(id)
  if (target?.status !== 'posted' || target.isReversal) {
    return refuse('not_reversible', { target_status: target?.status ?? 'queued' })
  }
  return remainingOf(target).every((amount) => amount === 0n) ? refuse('already_reversed') : target
}
