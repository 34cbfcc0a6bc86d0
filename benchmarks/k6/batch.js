// Batches of payments between random accounts, all or nothing. BATCH_SIZE: payments in a batch; default 100.
import { check } from 'k6'
import {
  accountsOf,
  anyTwo,
  countPosted,
  optionsWith,
  payment,
  post,
  rest,
  uniqueKey,
} from './load.js'

export { prepare as setup } from './load.js'

const batchSize = Number(__ENV.BATCH_SIZE || 100)

export const options = optionsWith({ p99Ms: 2000 })

/** Posts one batch. */
export function iterate(data) {
  const accounts = accountsOf(data)
  const key = uniqueKey(data)
  const transactions = Array.from({ length: batchSize }, (_, index) =>
    payment(anyTwo(accounts), `${key}-${index}`),
  )
  const response = post('/transactions/batch', { mode: 'atomic', transactions }, 201)
  const posted = response.status === 201 ? response.json('posted') : 0
  check(posted, { 'all of it is posted': (count) => count === batchSize })
  countPosted(posted)
  rest()
}
