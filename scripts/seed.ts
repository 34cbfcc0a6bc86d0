import { parseArgs } from 'node:util'
import { readConfiguration, type Configuration } from '../shared/config.ts'

const currency = 'USD'
/** Enough for a payment of 1.00 ten thousand times a second, for a day. */
const fundedWith = '1000000000.00'
const walletsMax = 100_000
/** Wallets that one transaction funds; each is one of its entries. */
const fundedTogether = 500
const requestsAtOnce = 50
const requestTimeoutMs = 15_000

let configuration: Configuration | undefined

interface Account {
  readonly id: string
}

/** An answer of the API, with what it says when it is a problem. */
interface Answer {
  readonly status: number
  readonly body: { readonly code?: string; readonly detail?: string; readonly title?: string }
}

/**
 * Creates the accounts of a benchmark through the API at BASE_URL: a settlement account without floor and a funded
 * wallet, with `--wallets N` N more funded wallets. Prints lines that a shell can `eval`. Run again, it finds the same
 * accounts by their codes and funds none twice.
 */
async function seed(): Promise<void> {
  const { values } = parseArgs({ options: { wallets: { type: 'string', default: '0' } } })
  const count = Number(values.wallets)
  if (!/^[0-9]+$/.test(values.wallets) || count > walletsMax) {
    throw new Error(`--wallets takes a number from 0 to ${walletsMax}`)
  }
  const settlement = await openAccount({
    code: 'seed:settlement',
    name: 'Seed, settlement',
    account_type: 'asset',
  })
  const wallet = await openWallet('seed:wallet')
  await fund(settlement, [wallet], 'seed:fund:wallet')

  const wallets = await inTurns(count, (index) => openWallet(`seed:wallet:${index + 1}`))
  for (let first = 0; first < count; first += fundedTogether) {
    const funded = wallets.slice(first, first + fundedTogether)
    await fund(settlement, funded, `seed:fund:wallets:${first + 1}-${first + funded.length}`)
  }

  console.log(`WALLET_ACCOUNT_ID=${wallet.id}`)
  console.log(`SETTLEMENT_ACCOUNT_ID=${settlement.id}`)
  if (count > 0) console.log(`WALLET_ACCOUNT_IDS=${wallets.map(({ id }) => id).join(',')}`)
}

function openWallet(code: string): Promise<Account> {
  return openAccount({
    code,
    name: 'Seed, wallet',
    account_type: 'liability',
    min_available: '0.00',
  })
}

/** Opens an account, or finds the one that has its code. */
async function openAccount(request: { code: string } & Record<string, string>): Promise<Account> {
  const opened = await call('POST', '/api/v1/accounts', { ...request, currency })
  if (opened.status === 201) return opened.body as unknown as Account
  if (opened.body.code !== 'code_taken') throw problem(`opening ${request.code}`, opened)

  const code = encodeURIComponent(request.code)
  const found = await call('GET', `/api/v1/accounts?code=${code}`)
  const [account] = (found.body as { items?: Account[] }).items ?? []
  if (account === undefined) throw problem(`finding ${request.code}`, found)
  return account
}

async function fund(settlement: Account, wallets: readonly Account[], key: string): Promise<void> {
  const credits = wallets.map(({ id }) => ({
    account_id: id,
    direction: 'credit',
    amount: fundedWith,
  }))
  const total = (BigInt(fundedWith.replace('.', '')) * BigInt(wallets.length)).toString()
  const amount = `${total.slice(0, -2)}.${total.slice(-2)}`
  const posted = await call('POST', '/api/v1/transactions?mode=sync', {
    idempotency_key: key,
    description: 'Seed funding',
    currency,
    entries: [{ account_id: settlement.id, direction: 'debit', amount }, ...credits],
  })
  if (posted.status !== 201) throw problem('funding', posted)
}

async function call(method: string, path: string, body?: object): Promise<Answer> {
  configuration ??= readConfiguration()
  const { BASE_URL: base, API_KEY: key } = configuration
  const answer = await fetch(new URL(path, base), {
    method,
    signal: AbortSignal.timeout(requestTimeoutMs),
    headers: {
      ...(key === undefined ? {} : { authorization: `Bearer ${key}` }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch((cause: unknown) => {
    throw new Error(`the API at ${base} does not answer (BASE_URL says where it is)`, { cause })
  })
  return { status: answer.status, body: (await answer.json()) as Answer['body'] }
}

/** Runs `work` for 0 … count - 1, some at a time; the results in order. */
async function inTurns<Result>(
  count: number,
  work: (index: number) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = []
  for (let first = 0; first < count; first += requestsAtOnce) {
    const size = Math.min(requestsAtOnce, count - first)
    const some = Array.from({ length: size }, (_, offset) => work(first + offset))
    results.push(...(await Promise.all(some)))
  }
  return results
}

function problem(doing: string, { status, body }: Answer): Error {
  const said = [body.code, body.detail ?? body.title].filter(Boolean).join(': ')
  return new Error(`${doing} failed with ${status}${said === '' ? '' : ` ${said}`}`)
}

try {
  await seed()
} catch (error) {
  console.error(`cannot seed: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
