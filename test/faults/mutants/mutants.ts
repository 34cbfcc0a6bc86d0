import type { Mutant } from './mutated-sources.ts'

/** The defects that the suite must catch, by name. */
export const mutants = {
  acknowledgeBeforeCommit: {
    name: 'acknowledge before commit',
    changes: [
      {
        file: 'shared/store/postgres/commit.ts',
        search: 'const [written, committed] = await Promise.allSettled(',
        replace: 'const [written, committed] = await soon(',
      },
      {
        file: 'shared/store/postgres/commit.ts',
        search: '/** The one statement by which a database transaction writes. */',
        replace: `/** Does not wait for an answer. */
async function soon(
  answers: readonly Promise<unknown>[],
): Promise<(PromiseSettledResult<unknown> | undefined)[]> {
  for (const answer of answers) answer.catch(() => undefined)
  return [undefined, undefined]
}
`,
      },
    ],
  },
  drainWithoutGuard: {
    name: 'drain without the “still queued” guard',
    changes: [
      {
        file: 'shared/store/postgres/drain.ts',
        search: 'delete from queued_transactions q\n            where q.ctid',
        replace:
          'update queued_transactions q set attempts = attempts + 1\n            where q.ctid',
      },
      {
        file: 'shared/store/postgres/drain.ts',
        search: "and t.id = gone.transaction_id and t.status = 'queued'",
        replace: 'and t.id = gone.transaction_id',
      },
    ],
    sql: ['drop trigger transactions_forward_only on transactions'],
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
