// Synchronous payments between the same two accounts, in both directions.
import { accountsOf, anyTwo, optionsWith, pay, rest } from './load.js'

export { prepare as setup } from './load.js'

export const options = optionsWith({ p99Ms: 1000 })

/** Posts one payment between the two. */
export function iterate(data) {
  const [first, second] = accountsOf(data)
  pay(data, anyTwo([first, second]))
  rest()
}
