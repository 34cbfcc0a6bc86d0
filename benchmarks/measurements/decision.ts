import { decideBatch } from '../../shared/engine/decide-batch.ts'
import type { AccountRecord } from '../../shared/engine/account-record.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import { decide, type RunningAccounts } from '../../shared/ledger/decide.ts'
import { openStore } from '../../shared/store/open.ts'
import { payments } from '../lab/payments.ts'
import { rounded, type Row } from '../report/result.ts'
import type { Bench, Measurement } from './measurement.ts'

const batchSizes = [1, 10, 100, 1000]
const uncountedRounds = 20

/** The pure decision: no database, no network. */
export const decision: Measurement = {
  name: 'decision',
  needs: [],
  run: async (bench) => {
    const accounts = await storedAccounts(bench)
    const seconds = bench.seconds / 4
    const rows: Row[] = []
    bench.tell('decide')
    rows.push(figures('decide, one by one', 1, decideFor(accounts, seconds)))
    for (const size of batchSizes) {
      bench.tell(`decideBatch, batches of ${size}`)
      rows.push(figures('decideBatch', size, decideBatchFor(accounts, size, seconds)))
    }
    return {
      name: 'decision',
      title: 'The decision alone',
      note: 'One thread, no database. Making the commands is not in the time.',
      rows,
      faults: [],
    }
  },
}

type Accounts = ReadonlyMap<string, AccountRecord>

interface Timing {
  readonly decided: number
  readonly tookMs: number
}

/** Accounts as a store gives them. */
async function storedAccounts({ lab }: Bench): Promise<Accounts> {
  const { store } = await openStore({ dialect: 'postgres', url: await lab.createDatabase() })
  try {
    const found = new Map<string, AccountRecord>()
    for (const id of lab.accounts) {
      const account = await store.findAccount(1, id)
      if (account !== undefined) found.set(id, account)
    }
    return found
  } finally {
    await store.close()
  }
}

function decideFor(accounts: Accounts, seconds: number): Timing {
  const running: RunningAccounts = new Map(accounts)
  return repeat(accounts, 1000, seconds, (commands) => {
    const priced = commands.map(({ pricing }) => {
      if (!pricing.ok) throw new Error('a payment has no price')
      return pricing
    })
    return () => priced.every((one) => decide(one, running).outcome === 'posted')
  })
}

/** As a store hands it over: each batch with the accounts that it touches. */
function decideBatchFor(accounts: Accounts, size: number, seconds: number): Timing {
  return repeat(accounts, size, seconds, (commands) => {
    const ids = commands.flatMap(({ requestedEntries }) =>
      requestedEntries.map(({ accountId }) => accountId),
    )
    const named = new Set(ids)
    const touched = new Map(
      [...accounts].flatMap(([id, account]) =>
        named.has(id)
          ? [[id, { ...account, chainHash: null, newestTransaction: null }] as const]
          : [],
      ),
    )
    const state = {
      now: Date.now(),
      accounts: touched,
      standing: [],
      targets: [],
      booksClosedUntil: null,
    }
    return () => decideBatch(commands, state).writes.transactions.length === size
  })
}

/** Times what `prepare` makes of batches of payments, again and again; the first rounds compile the code and do not count. */
function repeat(
  accounts: Accounts,
  size: number,
  seconds: number,
  prepare: (commands: readonly PostCommand[]) => () => boolean,
): Timing {
  const ids = [...accounts.keys()]
  let decided = 0
  let tookMs = 0
  const end = performance.now() + seconds * 1000
  for (let round = 0; round <= uncountedRounds || performance.now() < end; round += 1) {
    const work = prepare(payments(ids, size))
    const begun = performance.now()
    const allPosted = work()
    const took = performance.now() - begun
    if (!allPosted) throw new Error('a payment was refused')
    if (round < uncountedRounds) continue
    tookMs += took
    decided += size
  }
  return { decided, tookMs }
}

function figures(what: string, size: number, { decided, tookMs }: Timing): Row {
  return {
    what,
    'batch size': String(size),
    'transactions a second': rounded((decided * 1000) / tookMs),
    'µs a transaction': rounded((tookMs * 1000) / decided),
  }
}
