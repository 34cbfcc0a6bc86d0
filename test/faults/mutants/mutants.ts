import type { Mutant } from './mutated-sources.ts'

/** The defects that the suite must catch, by name. */
export const mutants = {
  acknowledgeBeforeCommit: {
    name: 'acknowledge before commit',
    changes: [
      {
        file: 'shared/store/postgres/commit.ts',
        search: 'const settled = await Promise.allSettled(',
        replace: 'const settled = await (write === undefined ? waitingForAll : soon)(',
      },
      {
        file: 'shared/store/postgres/commit.ts',
        search: '/** The one statement by which a database transaction writes. */',
        // What is written in steps, as an account is, waits as before: the load needs its accounts.
        replace: `const waitingForAll = (answers: readonly Promise<unknown>[]) => Promise.allSettled(answers)

/** Does not wait for an answer. */
async function soon(
  answers: readonly Promise<unknown>[],
): Promise<PromiseSettledResult<unknown>[]> {
  for (const answer of answers) answer.catch(() => undefined)
  return []
}
`,
      },
    ],
  },
  drainWithoutGuard: {
    name: 'drain without the “still queued” guard',
    changes: [
      {
        file: 'shared/store/postgres/take-rows.ts',
        search: 'delete from queued_transactions q\n            where q.ctid',
        replace:
          'update queued_transactions q set attempts = attempts + 1\n            where q.ctid',
      },
      {
        file: 'shared/store/postgres/take-rows.ts',
        search: "and id = gone.transaction_id and status = 'queued' limit 1",
        replace: 'and id = gone.transaction_id limit 1',
      },
    ],
    sql: ['drop trigger transactions_forward_only on transactions'],
  },
  noSlotLock: {
    name: 'no slot lock',
    changes: [
      {
        file: 'shared/store/postgres/take-rows.ts',
        search:
          '                pg_try_advisory_xact_lock(${lockSpace} | ($1::bigint << 16) | waiting.slot),\n',
        replace: '                true,\n',
      },
      {
        file: 'shared/store/postgres/take-rows.ts',
        search: 'where pg_try_advisory_xact_lock(${lockSpace} | ($1::bigint << 16) | wanted.slot)`',
        replace: 'where $1::bigint > 0`',
      },
    ],
  },
  jobCarriesTheWork: {
    name: 'job carries the work',
    changes: [
      {
        file: 'shared/engine/accept.ts',
        search: 'this.#accepted(slotsOf(commands))',
        replace: `this.#accepted(
      outcomes.flatMap((outcome) => {
        if (outcome.kind !== 'written') return []
        return { ledgerId: outcome.transaction.ledgerId, ...outcome.transaction.place }
      }) as never,
    )`,
      },
      {
        file: 'shared/queue/bullmq-doorbell.ts',
        search: '    const groups = new Set<number>()\n',
        replace: `    for (const place of slots) {
      const number = groupOf(place.slot, this.#groups.length)
      if (this.#client.status === 'ready') this.#add(number, this.#groups[number]!, [place as never]).catch(() => undefined)
    }
    if (slots.length > 0) return
    const groups = new Set<number>()
`,
      },
      {
        file: 'shared/queue/bullmq-doorbell.ts',
        search: "deduplication: { id: 'ring', keepLastIfActive: true }",
        replace: 'attempts: 20, backoff: 20',
      },
      {
        file: 'shared/queue/bullmq-listener.ts',
        search: 'const slots = slotsOfGroup(group, job.data.queues)',
        replace: 'const slots = group < 0 ? slotsOfGroup(group, job.data.queues) : job.data.slots',
      },
      {
        file: 'services/worker/worker.ts',
        search: "import { Sweeper } from './sweeper.ts'\n",
        replace: `import { drainPlaces } from '../../shared/engine/drain.ts'
import { Sweeper } from './sweeper.ts'
`,
      },
      {
        file: 'services/worker/worker.ts',
        search: '    this.#context.metrics.rang()\n',
        replace: `    const places = slots as never as { ledgerId: number; slot: number; sequence: number }[]
    await drainPlaces(this.#context.store, places[0]!.ledgerId, places)
    if (places.length > 0) return merged([])
    this.#context.metrics.rang()
`,
      },
    ],
  },
  uniqueKeyDropped: {
    name: 'unique key dropped',
    sql: [
      'drop index transactions_idempotency_key',
      `create index transactions_idempotency_key on transactions (ledger_id, idempotency_key)
        where idempotency_key is not null`,
    ],
  },
  unsortedLocks: {
    name: 'unsorted locks',
    changes: [
      {
        file: 'shared/store/postgres/lock-accounts.ts',
        search: 'as wanted (id) order by id) wanted',
        replace: 'as wanted (id) order by random()) wanted',
      },
    ],
  },
  balanceReadWithoutLock: {
    name: 'balance read without lock',
    changes: [
      {
        file: 'shared/store/postgres/lock-accounts.ts',
        search: '               for no key update\n',
        replace: '',
      },
    ],
    // With the key in place the database itself refuses the second entry of the same version.
    sql: [
      'alter table entries drop constraint entries_pkey',
      'create index entries_pkey on entries (ledger_id, account_id, account_version)',
    ],
  },
  missingEntry: {
    name: 'balance trigger dropped and one entry missing',
    changes: [
      {
        file: 'shared/store/postgres/move-money.ts',
        search: '    transaction.entries.forEach((entry, position) =>\n      entries.push(',
        replace:
          "    transaction.entries.forEach((entry, position) =>\n      (position === 1 && transaction.id.endsWith('f')) || entries.push(",
      },
    ],
    sql: ['drop trigger entries_balance on entries'],
  },
  sweeperOff: {
    name: 'sweeper off',
    changes: [
      {
        file: 'services/worker/sweeper.ts',
        search: '  start(): void {\n    this.#schedule(sweepMsMin)\n',
        replace: '  start(): void {\n',
      },
    ],
  },
  newIdAfterUnknown: {
    name: 'COMMIT error retried under a new id',
    changes: [
      {
        file: 'shared/engine/settle-batch.ts',
        search: "    if (tried.kind === 'unknown') mayHaveHappened = true\n",
        replace: `    if (tried.kind === 'unknown') {
      for (const member of members as { transactionId: string }[]) {
        member.transactionId = member.transactionId.slice(0, -12) + Math.random().toString(16).slice(2, 14).padEnd(12, '0')
      }
    }
`,
      },
    ],
  },
  refusalNotStored: {
    name: 'refusal not stored',
    changes: [
      {
        file: 'shared/engine/decide-batch.ts',
        search: "if (verdict.outcome === 'refused' && command.idempotencyKey === null) {",
        replace: "if (verdict.outcome === 'refused') {",
      },
    ],
  },
  amountsThroughFloat: {
    name: 'amounts through a float',
    changes: [
      {
        file: 'shared/ledger/money.ts',
        search: '  return BigInt(digits) as MinorUnits\n',
        replace: '  return BigInt(Number(digits)) as MinorUnits\n',
      },
    ],
  },
} satisfies Record<string, Mutant>
