import type { Site } from '../lab/lab.ts'
import { faultsIn, readBooks, untilDrained } from '../lab/proof.ts'
import { watchUsage, type Usage } from '../lab/usage.ts'
import type { K6Result } from '../load/k6-summary.ts'
import type { K6Load } from '../load/k6.ts'
import { loadWithWrk, type WrkLoad, type WrkResult } from '../load/wrk.ts'
import type { Bench } from './measurement.ts'

/** A load, and how the service came through it. */
export interface Outcome extends K6Result {
  readonly load: K6Load
  readonly usage: Usage
  /** From the end of the load until nothing was queued any more. */
  readonly drainS: number
}

/** Loads of one site, and the proof at their end that each accepted transaction is in the books once. */
export class Session {
  readonly faults: string[] = []
  /** k6's own summaries. */
  readonly summaries: Record<string, string> = {}
  readonly site: Site
  readonly #bench: Bench
  #accepted = 0
  /** wrk hangs up on what is under way: that may be posted, or not. */
  #exact = true

  constructor(bench: Bench, site: Site) {
    this.#bench = bench
    this.site = site
  }

  /** Loads the API with a script, measured from its beginning until the queue is drained. Its errors are faults. */
  async k6(name: string, load: Partial<K6Load> & Pick<K6Load, 'script'>): Promise<Outcome> {
    const { lab, k6, users, seconds, p99Ms } = this.#bench
    const target = { address: this.site.api.address, accountsFile: lab.accountsFile }
    const limit = p99Ms === undefined ? {} : { p99Ms }
    const whole = { users, seconds, ...limit, ...target, ...load }
    const usage = await watchUsage(lab, this.site)
    const result = await k6.run(whole)
    const ended = performance.now()
    await untilDrained(this.site.database)
    const drainS = (performance.now() - ended) / 1000
    const { summary, text, passed } = result
    this.#accepted += summary.accepted
    this.summaries[name] = text
    if (summary.errors > 0) this.faults.push(`${name}: ${summary.errors} errors`)
    else if (!passed) this.faults.push(`${name}: a threshold was crossed`)
    if (summary.posted !== summary.accepted) {
      this.faults.push(`${name}: ${summary.accepted} accepted, ${summary.posted} seen posted`)
    }
    return { ...result, load: whole, usage: await usage(), drainS }
  }

  /** Loads the API, or another address, with wrk. */
  async wrk(name: string, load: Partial<WrkLoad>): Promise<WrkResult> {
    const { lab, users, seconds } = this.#bench
    const target = { address: this.site.api.address, accounts: lab.accounts }
    const result = await loadWithWrk({ connections: users, seconds, ...target, ...load })
    if (load.address === undefined) {
      this.#accepted += (result.requests - result.errors) * (load.batchSize ?? 1)
      this.#exact = false
    }
    if (result.errors > 0) this.faults.push(`${name}: ${result.errors} errors`)
    return result
  }

  /** Loads the API with a script, unmeasured; its errors are faults all the same. */
  async warmUp(script: string): Promise<void> {
    const seconds = this.#bench.warmUpSeconds
    if (seconds > 0) await this.k6('warm-up', { script, seconds, p99Ms: 60_000 })
    delete this.summaries['warm-up']
  }

  /** Waits for the queue and verifies the books: clean, nothing queued, and just as many posted as were accepted. */
  async prove(): Promise<void> {
    await untilDrained(this.site.database)
    const books = await readBooks(this.site.databaseUrl)
    const expected = this.#bench.lab.preloaded + this.#accepted
    this.faults.push(...faultsIn(books, expected, { exact: this.#exact }))
  }
}

/** Opens a site, lets `work` load it, proves the books, closes it. */
export async function inSession<Result>(
  bench: Bench,
  work: (session: Session) => Promise<Result>,
): Promise<{ result: Result; session: Session }> {
  const site = await bench.lab.open()
  try {
    const session = new Session(bench, site)
    const result = await work(session)
    bench.tell('verifying the books')
    await session.prove()
    return { result, session }
  } finally {
    await site.stop()
  }
}
