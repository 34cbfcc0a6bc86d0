import { join } from 'node:path'
import { Posting } from '../../shared/engine/post.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { openAccounts } from '../lab/accounts.ts'
import { startService } from '../lab/measured-process.ts'
import { payments } from '../lab/payments.ts'
import { rounded, type Row } from '../report/result.ts'
import type { Bench, Measurement } from './measurement.ts'

const batchSizes = [1, 10, 100, 1000]

/** The engine without HTTP: batches that are formed already, one after the other, on both stores. */
export const engine: Measurement = {
  name: 'engine',
  needs: [],
  run: async (bench) => {
    const rows: Row[] = []
    const faults: string[] = []
    const url = await bench.lab.createDatabase()
    await measureStore(
      bench,
      { name: 'Postgres', location: { dialect: 'postgres', url }, accounts: bench.lab.accounts },
      rows,
      faults,
    )
    const path = join(bench.lab.folder, `engine-${Date.now()}.db`)
    const accounts = await accountsIn(path, bench.lab.accounts.length)
    await measureStore(
      bench,
      { name: 'SQLite', location: { dialect: 'sqlite', path }, accounts },
      rows,
      faults,
    )
    return {
      name: 'engine',
      title: 'The engine without HTTP',
      note: 'One batch at a time in one process, each one database transaction; 1,000 accounts. Making the commands is not in the time.',
      rows,
      faults,
    }
  },
}

interface Subject {
  readonly name: string
  readonly location: StoreLocation
  readonly accounts: readonly string[]
}

async function measureStore(
  bench: Bench,
  { name, location, accounts }: Subject,
  rows: Row[],
  faults: string[],
): Promise<void> {
  const { store } = await openStore(location)
  try {
    await postFor(store, accounts, 100, bench.warmUpSeconds)
    for (const size of batchSizes) {
      bench.tell(`${name}, batches of ${size}`)
      const { posted, refused, tookMs, batches } = await postFor(
        store,
        accounts,
        size,
        bench.seconds / 2,
      )
      rows.push({
        store: name,
        'batch size': String(size),
        'transactions a second': rounded((posted * 1000) / tookMs),
        'ms a batch': rounded(tookMs / batches),
        'µs a transaction': rounded((tookMs * 1000) / posted),
      })
      if (refused > 0) faults.push(`${name}: ${refused} of a batch of ${size} were not posted`)
    }
  } finally {
    await store.close()
  }
  const report = await verifyStore(location)
  faults.push(...report.differences.map(({ subject, detail }) => `${name}: ${subject}: ${detail}`))
}

async function postFor(
  store: LedgerStore,
  accounts: readonly string[],
  size: number,
  seconds: number,
) {
  const nobody = { batchDone: () => {}, retried: () => {}, split: () => {} }
  const posting = new Posting(store, nobody)
  const found = { posted: 0, refused: 0, tookMs: 0, batches: 0 }
  while (found.tookMs < seconds * 1000) {
    const commands = payments(accounts, size)
    const begun = performance.now()
    const outcomes = await posting.postBatch(commands)
    found.tookMs += performance.now() - begun
    found.batches += 1
    for (const outcome of outcomes) {
      const posted =
        outcome.status === 'fulfilled' &&
        outcome.value.kind === 'written' &&
        outcome.value.transaction.status === 'posted'
      if (posted) found.posted += 1
      else found.refused += 1
    }
  }
  return found
}

async function accountsIn(path: string, count: number): Promise<string[]> {
  const service = await startService({ databaseUrl: `sqlite:${path}` })
  try {
    return await openAccounts(service.address, count)
  } finally {
    await service.stop()
  }
}
