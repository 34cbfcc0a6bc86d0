// Of five requests one posts a payment, two read balances, one reads a transaction, one lists an account's newest transactions.
import exec from 'k6/execution'
import { accountsOf, anyOf, anyTwo, get, optionsWith, pay, rest } from './load.js'

export { prepare as setup } from './load.js'

export const options = optionsWith({ p99Ms: 1000 })

/** The transaction that this user posted last. */
let last

/** Sends one of the five. */
export function iterate(data) {
  const accounts = accountsOf(data)
  const turn = exec.scenario.iterationInTest % 5
  if (turn === 0) {
    const response = pay(data, anyTwo(accounts))
    if (response.status === 201) last = response.json('id')
  } else if (turn === 1 && last !== undefined) {
    get(`/transactions/${last}`, '/transactions/{id}')
  } else if (turn === 2) {
    get(`/transactions?account_id=${anyOf(accounts)}&limit=10`, '/transactions?account_id')
  } else {
    get(`/accounts/${anyOf(accounts)}/balance`, '/accounts/{id}/balance')
  }
  rest()
}
