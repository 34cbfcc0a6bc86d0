// Synchronous payments between random accounts: 201 when the money has moved.
import { accountsOf, anyTwo, optionsWith, pay, rest } from './load.js'

export { prepare as setup } from './load.js'

export const options = optionsWith({ p99Ms: 1000 })

/** Posts one payment. */
export function iterate(data) {
  pay(data, anyTwo(accountsOf(data)))
  rest()
}
