// Idempotent replays: payments that stand already are sent again under their keys. Each must be answered with the transaction
// that stands, marked as replayed; nothing more may be posted.
import { check } from 'k6'
import {
  accountsOf,
  anyOf,
  anyTwo,
  countPosted,
  optionsWith,
  payment,
  post,
  prepare,
  rest,
  send,
} from './load.js'

const standingCount = 100

export const options = optionsWith({ p99Ms: 1000 })

/** Posts the payments that will be sent again. */
export function setup() {
  const data = prepare()
  const standing = Array.from({ length: standingCount }, (_, index) => {
    const body = payment(anyTwo(accountsOf(data)), `${data.run}-${index}`)
    const response = send('/transactions?mode=sync', body)
    if (response.status !== 201) throw new Error(`a payment was answered ${response.status}`)
    countPosted(1)
    return { body, id: response.json('id') }
  })
  return { ...data, standing }
}

/** Sends one of them again. */
export function iterate({ standing }) {
  const { body, id } = anyOf(standing)
  const response = post('/transactions?mode=sync', body, 201)
  check(response, {
    'is the same transaction': (answer) => answer.status === 201 && answer.json('id') === id,
    'says that it is replayed': (answer) => answer.headers['Idempotency-Replayed'] === 'true',
  })
  rest()
}
