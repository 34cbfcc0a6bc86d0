import { expireHold, extendHold, voidHold, type HoldChangeDecision } from '../ledger/end-hold.ts'
import type { HoldChangeRecord } from './hold-change-record.ts'
import type { HoldCommand, PostOutcome } from './post-command.ts'
import type { RunningBooks } from './running-books.ts'

/** What a change of a hold is answered with, and the record of it, where there is one to keep. */
interface DecidedChange {
  readonly outcome: PostOutcome
  readonly change: HoldChangeRecord | undefined
}

/**
 * Decides a change of a hold. What was done is recorded, so that a retry finds it; what was refused only under a key; and that
 * time has ended a hold is recorded by the hold itself. Pure.
 */
export function decideHoldChange(command: HoldCommand, books: RunningBooks): DecidedChange {
  const decision = decide(command, books)
  if (decision.outcome === 'refused') {
    const { refusal } = decision
    const kept = command.idempotencyKey !== null
    return {
      outcome: { kind: 'refused', refusal },
      change: kept ? changeOf(command, books, { failure: refusal }) : undefined,
    }
  }
  const hold = books.found(command.wish.target)
  if (hold === undefined) throw new Error('a hold was changed that nobody locked')
  return {
    outcome: { kind: 'hold_changed', hold },
    change: changeOf(command, books, { expiresAt: hold.expiresAt }),
  }
}

function decide({ wish }: HoldCommand, books: RunningBooks): HoldChangeDecision {
  switch (wish.kind) {
    case 'void':
      return voidHold(wish.target, books)
    case 'extend':
      return extendHold(wish.target, wish.terms, books)
    case 'expire':
      return expireHold(wish.target, books)
  }
}

function changeOf(
  command: HoldCommand,
  books: RunningBooks,
  end: Partial<Pick<HoldChangeRecord, 'failure' | 'expiresAt'>>,
): HoldChangeRecord | undefined {
  const { wish } = command
  if (wish.kind === 'expire') return undefined
  return {
    id: command.changeId,
    holdId: wish.target,
    wish,
    idempotencyKey: command.idempotencyKey,
    fingerprint: command.fingerprint,
    expiresAt: wish.kind === 'extend' ? (end.expiresAt ?? null) : null,
    failure: end.failure ?? null,
    createdAt: books.at,
  }
}
