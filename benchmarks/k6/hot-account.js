// Synchronous payments with one account in every one of them.
import { accountsOf, anyTwo, optionsWith, pay, rest } from './load.js'

export { prepare as setup } from './load.js'

export const options = optionsWith({ p99Ms: 1000 })

/** Posts one payment from the first account to any other. */
export function iterate(data) {
  const accounts = accountsOf(data)
  pay(data, anyTwo(accounts, accounts[0]))
  rest()
}
