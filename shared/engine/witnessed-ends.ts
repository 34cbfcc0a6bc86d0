import type { ActionEnd, AuditRecord, Witness } from './audit-record.ts'
import type { MemberOutcome } from './command-batch.ts'
import { isHoldCommand, type Command, type PostOutcome } from './post-command.ts'

/** The record of a command that was just decided; none when it changes nothing, or nobody asked for it. */
export function recordOf(command: Command, outcome: PostOutcome): AuditRecord | undefined {
  if (command.witness === undefined) return undefined
  const end = endOf(command, outcome)
  return end === undefined ? undefined : command.witness(end)
}

/**
 * The record of a batch that was just decided or accepted: it names the first transaction that was written, unless the batch has an
 * id of its own, and says how many there are. None when nothing was written.
 */
export function recordOfBatch(
  witness: Witness | undefined,
  members: readonly MemberOutcome[],
  batchId?: string,
): AuditRecord | undefined {
  if (witness === undefined) return undefined
  const written = members.flatMap((member) => (member.kind === 'written' ? member.transaction : []))
  const [first] = written
  if (first === undefined) return undefined
  const allGood = members.every(
    (member) =>
      member.kind === 'standing' ||
      (member.kind === 'written' && member.transaction.failure === null),
  )
  const about =
    batchId === undefined
      ? ({ kind: 'transaction', id: first.id, end: allGood ? 'done' : 'partly' } as const)
      : ({ kind: 'batch', id: batchId, end: 'accepted' } as const)
  return witness({ ...about, count: written.length })
}

function endOf(command: Command, outcome: PostOutcome): ActionEnd | undefined {
  switch (outcome.kind) {
    case 'written': {
      const { id, failure, status } = outcome.transaction
      const went = status === 'queued' ? 'accepted' : 'done'
      return {
        kind: 'transaction',
        id,
        end: failure === null ? went : { refused: failure.code },
      }
    }
    case 'hold_changed':
      return { kind: 'transaction', id: outcome.hold.id, end: 'done' }
    case 'refused': {
      const isKept = isHoldCommand(command) && command.idempotencyKey !== null
      return isKept
        ? {
            kind: 'transaction',
            id: command.wish.target,
            end: { refused: outcome.refusal.code },
          }
        : undefined
    }
    case 'standing':
    case 'key_reused':
    case 'key_reused_by_change':
    case 'change_standing':
      return undefined
  }
}
