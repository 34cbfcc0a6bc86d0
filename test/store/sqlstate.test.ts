import { DatabaseError } from 'pg'
import { describe, expect, test } from 'vitest'
import { StoreFailure, type StoreFailureKind } from '../../shared/engine/store-failure.ts'
import { storeFailureOf } from '../../shared/store/postgres/sqlstate.ts'

/** An SQLSTATE, or a system's code, or none; what it means before COMMIT was sent, and after. */
type Case = readonly [
  code: string | undefined,
  what: string,
  before: StoreFailureKind,
  after: StoreFailureKind,
]

const cases: readonly Case[] = [
  // The database says itself that it rolled back.
  ['40001', 'serialisation failure', 'not_done', 'not_done'],
  ['40P01', 'deadlock', 'not_done', 'not_done'],
  // It will say the same again.
  ['22003', 'a number out of range', 'deterministic', 'deterministic'],
  ['22P02', 'a text that is no uuid', 'deterministic', 'deterministic'],
  ['23502', 'not null', 'deterministic', 'deterministic'],
  ['23514', 'check', 'deterministic', 'deterministic'],
  ['23505', 'unique, of a name that nobody races for', 'deterministic', 'deterministic'],
  ['LF001', 'our guard: entries', 'deterministic', 'deterministic'],
  ['LF002', 'our guard: changes', 'deterministic', 'deterministic'],
  ['42P01', 'no such table', 'deterministic', 'deterministic'],
  ['42501', 'no such right', 'deterministic', 'deterministic'],
  ['0A000', 'a cached plan that does not fit', 'deterministic', 'deterministic'],
  // Known not to be done until COMMIT was sent; nobody knows afterwards.
  ['55P03', 'lock timeout', 'blocked', 'unknown'],
  ['57014', 'statement timeout', 'not_done', 'unknown'],
  ['25P03', 'idle in transaction too long', 'not_done', 'unknown'],
  ['57P01', 'terminated by an administrator', 'not_done', 'unknown'],
  ['57P02', 'another backend crashed', 'not_done', 'unknown'],
  ['08006', 'connection failure', 'not_done', 'unknown'],
  ['08P01', 'protocol violation', 'not_done', 'unknown'],
  ['58030', 'I/O error, as of a failed fsync', 'not_done', 'unknown'],
  ['XX000', 'internal error', 'not_done', 'unknown'],
  ['ECONNRESET', 'connection reset', 'not_done', 'unknown'],
  ['EPIPE', 'broken pipe', 'not_done', 'unknown'],
  [undefined, 'no code: a read timeout, a connection that ended', 'not_done', 'unknown'],
  // Too much of something.
  ['53100', 'disk full', 'capacity', 'unknown'],
  ['53200', 'out of memory', 'capacity', 'unknown'],
  ['53300', 'too many connections', 'capacity', 'unknown'],
  // Never connected, so never committed.
  ['ECONNREFUSED', 'nobody listens', 'not_done', 'not_done'],
  ['57P03', 'still starting', 'not_done', 'not_done'],
]

describe('an error of Postgres', () => {
  test.each(cases)('%s (%s) is %s before COMMIT and %s after it', (code, _what, before, after) => {
    expect(storeFailureOf(errorOf(code), 'before_commit')).toMatchObject({ kind: before, code })
    expect(storeFailureOf(errorOf(code), 'commit_sent')).toMatchObject({ kind: after, code })
  })

  test.each(['transactions_pkey', 'transactions_idempotency_key', 'entries_pkey'])(
    '23505 on %s is a race with another batch: run again',
    (constraint) => {
      const error = errorOf('23505', constraint)
      for (const moment of ['before_commit', 'commit_sent'] as const) {
        const failure = storeFailureOf(error, moment)
        expect(failure).toMatchObject({ kind: 'not_done', code: '23505', constraint })
        expect(failure.cause).toBe(error)
      }
    },
  )

  test('23505 on any other constraint would come again', () => {
    const failure = storeFailureOf(errorOf('23505', 'accounts_code_key'), 'before_commit')
    expect(failure.kind).toBe('deterministic')
  })

  test('that was sorted already stays as it was', () => {
    const sorted = new StoreFailure('unknown', new Error('on purpose'))
    expect(storeFailureOf(sorted, 'before_commit')).toBe(sorted)
  })

  test.each([null, undefined, 'a text', { code: 40001 }])('that is none: %j', (thrown) => {
    expect(storeFailureOf(thrown, 'before_commit').kind).toBe('not_done')
    expect(storeFailureOf(thrown, 'commit_sent').kind).toBe('unknown')
  })
})

function errorOf(code: string | undefined, constraint?: string): Error {
  const error = new DatabaseError('on purpose', 0, 'error')
  if (code !== undefined) error.code = code
  if (constraint !== undefined) error.constraint = constraint
  return error
}
