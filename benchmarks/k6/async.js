// Asynchronous payments between random accounts: accepted (202, durable), then waited for. The time to answer is that of the
// acceptance; end to end is from sending the request to being told that the money has moved.
import {
  accountsOf,
  anyTwo,
  awaitPosted,
  countAccepted,
  optionsWith,
  payment,
  post,
  rest,
  uniqueKey,
} from './load.js'

export { prepare as setup } from './load.js'

export const options = optionsWith({ p99Ms: 1000 })

/** Has one payment accepted and waits for its end. */
export function iterate(data) {
  const begunAt = Date.now()
  const body = payment(anyTwo(accountsOf(data)), uniqueKey(data))
  const response = post('/transactions?mode=async', body, 202)
  if (response.status === 202) {
    countAccepted(1)
    awaitPosted(response.json('id'), begunAt)
  }
  rest()
}
