// What all load scripts share: how they are told what to do, accounts, keys, counting, thresholds. All of them take
//
//   BASE_URL       the API; default http://127.0.0.1:8000
//   API_KEY        what the API is shown, if it asks for a key
//   VUS            users at once; default 50
//   DURATION       default 20s
//   RATE           iterations a second, begun when they are due whether earlier ones are answered or not (open loop), so that a
//                  slow service is not flattered; VUS is then the most that may be in the air. Without it each user goes on as
//                  soon as it is answered (closed loop).
//   PAUSE          seconds that each user rests after an iteration; default 0
//   P99_MS         the threshold of the time to answer, in ms; each script has a default
//   ACCOUNTS_FILE  a JSON array of ids of accounts without floor, in USD; without it a script opens 1,000
import { check, sleep } from 'k6'
import { SharedArray } from 'k6/data'
import exec from 'k6/execution'
import http from 'k6/http'
import { Counter, Trend } from 'k6/metrics'

const accountCount = 1000
const openedTogether = 20
const api = `${__ENV.BASE_URL || 'http://127.0.0.1:8000'}/api/v1`
const users = Number(__ENV.VUS || 50)
const pauseSeconds = Number(__ENV.PAUSE || 0)
const shown = __ENV.API_KEY ? { authorization: `Bearer ${__ENV.API_KEY}` } : {}
const json = { headers: { 'content-type': 'application/json', ...shown } }

const given = __ENV.ACCOUNTS_FILE
  ? new SharedArray('accounts', () => JSON.parse(open(__ENV.ACCOUNTS_FILE)))
  : undefined

// What k6's summary says of the load itself: the accounts that a script opens first are not in it.
const answers = new Counter('answers')
const answerTime = new Trend('answer_time', true)
const transactionsAccepted = new Counter('transactions_accepted')
const transactionsPosted = new Counter('transactions_posted')
const endToEndTime = new Trend('end_to_end_time', true)

/** The options of a script whose function is `iterate`: no error at all, and 99 of 100 answered within `p99Ms`. */
export function optionsWith({ p99Ms }) {
  const duration = __ENV.DURATION || '20s'
  const closedLoop = { executor: 'constant-vus', vus: users, duration }
  const openLoop = {
    executor: 'constant-arrival-rate',
    rate: Number(__ENV.RATE),
    timeUnit: '1s',
    duration,
    preAllocatedVUs: users,
    maxVUs: users,
  }
  return {
    scenarios: { load: { exec: 'iterate', ...(__ENV.RATE ? openLoop : closedLoop) } },
    thresholds: {
      checks: ['rate==1'],
      http_req_failed: ['rate==0'],
      answer_time: [`p(99)<${__ENV.P99_MS || p99Ms}`],
    },
    summaryTrendStats: ['avg', 'min', 'med', 'p(95)', 'p(99)', 'max'],
  }
}

/** Opens the accounts of a run unless they are given, and names the run: all its keys begin with that. */
export function prepare() {
  return { opened: given ? [] : openAccounts(), run: `k6-${Date.now()}` }
}

function openAccounts() {
  const body = JSON.stringify({ name: 'k6', account_type: 'asset', currency: 'USD' })
  const request = ['POST', `${api}/accounts`, body, json]
  const ids = []
  while (ids.length < accountCount) {
    for (const response of http.batch(Array.from({ length: openedTogether }, () => request))) {
      if (response.status !== 201) throw new Error(`no account was opened: ${response.status}`)
      ids.push(response.json('id'))
    }
  }
  return ids
}

/** The accounts of a run. */
export function accountsOf({ opened }) {
  return given || opened
}

/** One of these, at random. */
export function anyOf(list) {
  return list[Math.floor(Math.random() * list.length)]
}

/** Two different accounts, at random; `first` is one of them when given. */
export function anyTwo(accounts, first = anyOf(accounts)) {
  for (;;) {
    const second = anyOf(accounts)
    if (second !== first) return [first, second]
  }
}

/** A key that no other iteration of any run has. */
export function uniqueKey({ run }) {
  return `${run}-${exec.scenario.iterationInTest}`
}

/** The body of a payment of 1.00: two entries. */
export function payment([from, to], key) {
  return {
    currency: 'USD',
    idempotency_key: key,
    entries: [
      { account_id: from, direction: 'debit', amount: '1.00' },
      { account_id: to, direction: 'credit', amount: '1.00' },
    ],
  }
}

/** Sends a body. */
export function send(path, body) {
  return http.post(`${api}${path}`, JSON.stringify(body), json)
}

/** Sends a body under measurement; the answer must have this status. */
export function post(path, body, status) {
  return measured(send(path, body), status)
}

/** Reads under measurement; `name` is the path without ids. */
export function get(path, name) {
  return measured(read(path, name), 200)
}

/** Under one name for all ids: k6 keeps its figures by URL, and grows with each new one. */
function read(path, name) {
  return http.get(`${api}${path}`, { headers: shown, tags: { name } })
}

function measured(response, status) {
  answers.add(1)
  answerTime.add(response.timings.duration)
  check(response, { [`answered ${status}`]: (answer) => answer.status === status })
  return response
}

/** Posts a payment between two accounts, synchronously and under a key of its own: it is posted when it is answered. */
export function pay(data, pair) {
  const response = post('/transactions?mode=sync', payment(pair, uniqueKey(data)), 201)
  if (response.status === 201) countPosted(1)
  return response
}

/** Counts transactions that the service has accepted: each must be in the books later, once. */
export function countAccepted(count) {
  transactionsAccepted.add(count)
}

/** Counts transactions that were posted as soon as they were accepted. */
export function countPosted(count) {
  transactionsAccepted.add(count)
  transactionsPosted.add(count)
}

const waitSeconds = 10
const waitsMax = 6

/** Waits until an accepted transaction has ended, which must be as posted, and takes the time since its request was begun. */
export function awaitPosted(id, begunAt) {
  let status = 'queued'
  for (let wait = 0; wait < waitsMax && status === 'queued'; wait += 1) {
    const response = read(`/transactions/${id}?wait=${waitSeconds}`, '/transactions/{id}?wait')
    if (response.status === 200) status = response.json('status')
  }
  if (!check(status, { 'ended as posted': (end) => end === 'posted' })) return
  transactionsPosted.add(1)
  endToEndTime.add(Date.now() - begunAt)
}

/** Rests as long as PAUSE says. */
export function rest() {
  if (pauseSeconds > 0) sleep(pauseSeconds)
}
