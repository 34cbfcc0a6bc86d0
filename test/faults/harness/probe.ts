import { payment } from '../../support/people.ts'
import type { ApiAnswer } from './load.ts'
import { send, type Cast, type Target } from './load.ts'
import type { World } from './world.ts'

/** Sends one payment to an API, counted round, and gives its answer. */
export function probe(
  world: World,
  cast: Cast,
  { mode, api = 0, key }: { mode: 'sync' | 'async'; api?: number; key?: string },
): Promise<ApiAnswer> {
  const body = payment({
    debit: cast.wallets[0] ?? '',
    credit: cast.hub,
    amount: '1.00',
    ...(key === undefined ? {} : { idempotency_key: key }),
  })
  return send(world, api, { mode, body })
}

/** How long one asynchronous payment takes from its 202 until it is posted, as somebody who waits for it sees it. */
export async function lagOf(world: World, cast: Cast, api = 0): Promise<number> {
  const accepted = await probe(world, cast, { mode: 'async', api })
  if (accepted.id === undefined) throw new Error(`not accepted: ${accepted.status}`)
  const begun = performance.now()
  const read = await readTransaction(world, accepted.id, { api, wait: 30 })
  if (read.status !== 'posted') throw new Error(`${accepted.id} is still ${read.status}`)
  return performance.now() - begun
}

/** Reads a transaction through an API, counted round. */
export async function readTransaction(
  world: Target,
  id: string,
  { api = 0, wait = 0 }: { api?: number; wait?: number } = {},
): Promise<TransactionRead> {
  const address = world.apis[api % world.apis.length]?.process.address
  const response = await fetch(`${address}/api/v1/transactions/${id}?wait=${wait}`)
  return (await response.json()) as TransactionRead
}

/** What the scenarios look at of a transaction. */
export interface TransactionRead {
  readonly status: string
  readonly queue?: { readonly parked?: { readonly reason: string } | null }
}

/** Decides on a parked transaction, as an operator; gives the status of the answer. */
export async function operate(
  { apis }: Target,
  id: string,
  what: 'resume' | 'refuse',
  body: object = {},
): Promise<number> {
  const address = `${apis[0]?.process.address}/api/v1/transactions/${id}/${what}`
  const response = await fetch(address, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return response.status
}

/** The sum of a counter over all workers that run. */
export async function countedByWorkers(world: World, counter: string): Promise<number> {
  const counts = world.workers.map(async ({ process }) => {
    const response = await fetch(`${process.address}/metrics`)
    const line = (await response.text()).split('\n').find((each) => each.startsWith(`${counter} `))
    return Number(line?.split(' ')[1] ?? 0)
  })
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0)
}

/** The value below which a share of sorted values lies. */
export function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}
