// Payments against a running LedgerFlow, at a fixed rate (open loop), so that a slow service is not flattered.
// BASE_URL, RATE (a second), DURATION, VUS (the most at once), MODE (sync or async).
import { check } from 'k6'
import exec from 'k6/execution'
import http from 'k6/http'

const baseUrl = __ENV.BASE_URL || 'http://127.0.0.1:8000'
const mode = __ENV.MODE || 'sync'
const json = { headers: { 'content-type': 'application/json' } }
const accountCount = 100

export const options = {
  scenarios: {
    payments: {
      exec: 'pay',
      executor: 'constant-arrival-rate',
      rate: Number(__ENV.RATE || 200),
      timeUnit: '1s',
      duration: __ENV.DURATION || '20s',
      preAllocatedVUs: Number(__ENV.VUS || 50),
      maxVUs: Number(__ENV.VUS || 50),
    },
  },
  thresholds: {
    http_req_failed: ['rate==0'],
    checks: ['rate==1'],
    'http_req_duration{name:payment}': ['p(99)<1000'],
  },
}

/** Opens the accounts of this run. */
export function setup() {
  const body = JSON.stringify({ name: 'k6', account_type: 'asset', currency: 'USD' })
  const ids = Array.from({ length: accountCount }, () => {
    const response = http.post(`${baseUrl}/api/v1/accounts`, body, json)
    if (response.status !== 201) throw new Error(`an account was not opened: ${response.status}`)
    return response.json('id')
  })
  return { ids, run: Date.now() }
}

/** Posts one payment of two entries under a key of its own. */
export function pay({ ids, run }) {
  const number = exec.scenario.iterationInTest
  const from = number % ids.length
  const to = (from + 1 + ((number * 7) % (ids.length - 1))) % ids.length
  const body = JSON.stringify({
    currency: 'USD',
    idempotency_key: `k6-${run}-${number}`,
    entries: [
      { account_id: ids[from], direction: 'debit', amount: '1.00' },
      { account_id: ids[to], direction: 'credit', amount: '1.00' },
    ],
  })
  const response = http.post(`${baseUrl}/api/v1/transactions?mode=${mode}`, body, {
    ...json,
    tags: { name: 'payment' },
  })
  check(response, { accepted: ({ status }) => status === (mode === 'sync' ? 201 : 202) })
}
