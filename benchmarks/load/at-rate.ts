import { setTimeout as sleep } from 'node:timers/promises'

/** Payments that are sent when they are due, whether earlier ones are answered or not: a slow service is not flattered. */
export interface RateLoad {
  readonly address: string
  readonly accounts: readonly string[]
  readonly ratePerS: number
  readonly seconds: number
  readonly hot: boolean
}

/** How often what is due is sent. */
const tickMs = 5

/** Sends asynchronous payments at a rate. Throws when one of them is not accepted. */
export async function payAtRate(load: RateLoad): Promise<void> {
  const begun = performance.now()
  const sent: Promise<void>[] = []
  const total = load.ratePerS * load.seconds
  while (sent.length < total) {
    const due = Math.min(total, ((performance.now() - begun) / 1000) * load.ratePerS)
    while (sent.length < due) sent.push(pay(load, sent.length))
    await sleep(tickMs)
  }
  await Promise.all(sent)
}

async function pay({ address, accounts, hot }: RateLoad, number: number): Promise<void> {
  const from = hot ? 0 : number % accounts.length
  const to = 1 + ((number * 7) % (accounts.length - 1))
  const entry = (index: number, direction: string) => ({
    account_id: accounts[index],
    direction,
    amount: '1.00',
  })
  const other = to === from ? (from + 1) % accounts.length : to
  const response = await fetch(`${address}/api/v1/transactions?mode=async`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      currency: 'USD',
      entries: [entry(from, 'debit'), entry(other, 'credit')],
    }),
  })
  await response.arrayBuffer()
  if (response.status !== 202) throw new Error(`a payment was answered ${response.status}`)
}
