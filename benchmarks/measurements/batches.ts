import type { Row } from '../report/result.ts'
import type { Measurement } from './measurement.ts'
import { inSession } from './session.ts'

/** Members of a batch: few, the usual, and as many as there may be. */
const sizes = [10, 100, 1000]

/** Clients that send batches at once. More only wait for each other's locks. */
const connections = 8

/** Atomic batches under wrk: how many transactions a second are posted in batches of several sizes. */
export const batches: Measurement = {
  name: 'batches',
  needs: ['wrk'],
  route: '/api/v1/transactions/batch',
  run: async (bench) => {
    const rows: Row[] = []
    const { session } = await inSession(bench, async (open) => {
      await open.wrk('warm-up', { connections, batchSize: 100, seconds: bench.warmUpSeconds })
      for (const batchSize of sizes) {
        bench.tell(`batches of ${batchSize}`)
        const result = await open.wrk(`batches of ${batchSize}`, { connections, batchSize })
        rows.push({
          'members of a batch': batchSize,
          'batches a second': result.ratePerS,
          'transactions a second': result.ratePerS * batchSize,
          p50: result.p50Ms,
          p99: result.p99Ms,
          errors: result.errors,
        })
      }
    })
    return {
      name: 'batches',
      title: 'Atomic batches',
      note: `Closed loop, under wrk, ${connections} connections, ${bench.seconds} s; 1,000 accounts, a key for each member. Times are those of a whole batch.`,
      rows,
      faults: session.faults,
    }
  },
}
