import type { ChainedAccount } from '../../engine/entry-chain.ts'
import type { BatchReads } from '../../engine/posting-store.ts'
import { plainArray } from './array-text.ts'
import { newestAccount } from './newest-account.ts'
import { oneByKey } from './one-by-key.ts'
import type { Prepared } from './posting-connection.ts'

/**
 * How old an estimate of the database's clock may be when it is compared with it. A batch posts at the time estimated or later, so that
 * whoever waits for a time to be settled waits for so much longer.
 */
export const estimateAgeMsMax = 100

/**
 * The condition of a statement that writes what was decided before the accounts were locked. The word is `yes` or `no`, and holds until its
 * database transaction ends; before it was given, it is empty, or asking for it fails.
 */
export const ifAgreed = `where current_setting('ledgerflow.agreed') = 'yes'`

const say = (isSo: string) =>
  `set_config('ledgerflow.agreed', case when ${isSo} then 'yes' else 'no' end, true)`

/**
 * Locks the accounts of a batch as `lockAccounts` does, and says whether each stands as it was taken to be. Never waits: an account that somebody
 * else has locked is about to change. The hash of its newest entry stands for all that was ever posted to it; held money and what a
 * person may change are compared by themselves; the rest never changes. Parameters: ledger id, how many, then by account what is compared.
 */
export const lockAndCompare: Prepared = {
  name: 'lock_and_compare',
  text: `select ${say(`count(*) filter (
                   where account.version = wanted.version
                     and (account.version = 0 or account.chain_version = account.version
                                             and account.chain_hash = decode(wanted.chain_hash, 'hex'))
                     and account.held_debits = wanted.held_debits
                     and account.held_credits = wanted.held_credits
                     and account.status = wanted.status
                     and account.min_available is not distinct from wanted.min_available
                 ) = $2::integer`)}
           from (select * from unnest($3::uuid[], $4::bigint[], $5::text[], $6::numeric[], $7::numeric[],
                                      $8::text[], $9::numeric[])
                   as wanted (id, version, chain_hash, held_debits, held_credits, status, min_available)
                  order by id) wanted
          cross join lateral (
            select version, chain_hash, chain_version, held_debits, held_credits, status, min_available
              ${newestAccount('wanted.id')}
                   for no key update skip locked
          ) account`,
}

/** The parameters of `lockAndCompare`. */
export function comparisonParameters(
  ledgerId: number,
  accounts: readonly ChainedAccount[],
): unknown[] {
  return [
    ledgerId,
    accounts.length,
    plainArray(accounts, (a) => a.id),
    plainArray(accounts, (a) => a.version),
    plainArray(accounts, (a) => a.chainHash),
    plainArray(accounts, (a) => a.heldDebits),
    plainArray(accounts, (a) => a.heldCredits),
    plainArray(accounts, (a) => a.status),
    plainArray(accounts, (a) => a.minAvailable),
  ]
}

const stands = (table: string) => `exists (
             select from unnest($2::text[]) as wanted (key)
              cross join lateral (select 1 from ${table} ${oneByKey('idempotency_key', 'wanted.key')}) found)`

/**
 * Says whether a batch may be written as it was decided: its accounts are as they were taken to be, the estimated time is not too old, and
 * none of its keys is known. Sent behind `lockAndCompare`, as `findStanding` is behind the lock, and through the same indexes. Gives the word, and
 * the time. Parameters: ledger id, keys, the estimated time.
 */
export const agree: Prepared = {
  name: 'agree',
  text: `select ${say(`current_setting('ledgerflow.agreed') = 'yes'
                     and clock.now - $3::bigint between -1 and ${estimateAgeMsMax}
                     and not ${stands('transactions')}
                     and not ${stands('hold_changes')}`)}, clock.now
           from (select extract(epoch from clock_timestamp()) * 1000 as now) clock`,
}

/** Reads the word and the time, in ms since 1970 with parts of them, from the rows of `agree`. */
export function wordOf(rows: readonly (readonly unknown[])[]): {
  readonly agreed: boolean
  readonly now: number
} {
  return { agreed: rows[0]?.[0] === 'yes', now: Number(rows[0]?.[1]) }
}

/** The parameters of `agree`. */
export function agreementParameters(reads: BatchReads, estimatedNow: number): unknown[] {
  return [reads.ledgerId, reads.idempotencyKeys, estimatedNow]
}
