import type { ProblemCode } from '../../../shared/wire/problems.ts'
import { requestBytes, type RequestParts } from '../raw-http.ts'

/** The accounts and cursors that requests speak of. */
export interface World {
  /** Ids of accounts, by name. `alice` and `bob` keep USD without a floor. */
  readonly ids: Readonly<Record<AccountName, string>>
  /** Ids of transactions: a hold of 125.00 that is open, and a payment of 125.00. */
  readonly transactions: Readonly<Record<'hold' | 'paid', string>>
  /** `next_cursor` of the account list, unfiltered. */
  readonly accountCursor: string
  /** `next_cursor` of the account list, of accounts in USD only. */
  readonly usdCursor: string
  /** `next_cursor` of alice's entries. */
  readonly entryCursor: string
  /** A cursor of the account list that another ledger signed. */
  readonly foreignCursor: string
}

/** What the accounts of the world are made of besides `{name}`; USD liabilities unless they say otherwise. */
export const accountBodies = {
  alice: {},
  bob: {},
  empty: { min_available: '0.00' },
  frozen: {},
  closed: {},
  euro: { currency: 'EUR' },
  yen: { currency: 'JPY' },
  yenToo: { currency: 'JPY' },
  dinar: { currency: 'BHD' },
  dinarToo: { currency: 'BHD' },
  vault: {},
  vaultToo: {},
} as const
export type AccountName = keyof typeof accountBodies

/** One request and the answer it must get. Without a code it is a good one: the last value allowed. */
export interface BadRequest {
  readonly title: string
  readonly bytes: (world: World) => Buffer
  readonly status: number
  readonly code?: ProblemCode
  /** The place that the first of `errors` names; without it, the answer must have no `errors`. */
  readonly pointer?: string
  /** Set when the client ends its side of the connection after its bytes. */
  readonly endAfterwards?: true
}

/** Stands in free text and in bad values: neither an answer nor a line of the log may have it. */
export const canary = 'kanarienvogel'

/** The same where only digits can be. */
export const canaryDigits = '7319173191'

export const transactionsPath = '/api/v1/transactions'
export const accountsPath = '/api/v1/accounts'

type EntryParts = {
  account?: AccountName
  account_id?: unknown
  direction?: unknown
  amount?: unknown
}

/** A payment of 125.00 from alice to bob with some of its fields other than they should be. */
export function payment(world: World, fields: Readonly<Record<string, unknown>> = {}): object {
  return {
    reference: canary,
    description: `for ${canary}`,
    currency: 'USD',
    entries: entries(world),
    metadata: { customer: canary },
    ...fields,
  }
}

/** Two entries between alice and bob, or others; each with some fields other than they should be. */
export function entries(world: World, first: EntryParts = {}, second: EntryParts = {}): object[] {
  const entry = (
    { account, ...fields }: EntryParts,
    usual: { account: AccountName; direction: string },
  ) => ({
    account_id: world.ids[account ?? usual.account],
    direction: usual.direction,
    amount: '125.00',
    ...fields,
  })
  return [
    entry(first, { account: 'alice', direction: 'debit' }),
    entry(second, { account: 'bob', direction: 'credit' }),
  ]
}

/** The bytes of a post to the transactions. */
export function posting(body: unknown, parts: RequestParts = {}): Buffer {
  return requestBytes('POST', transactionsPath, { body, ...parts })
}

/** A payment with other fields, refused with a code at a place of the body. */
export function badPayment(
  title: string,
  fields: Readonly<Record<string, unknown>> | ((world: World) => Readonly<Record<string, unknown>>),
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest {
  return {
    title,
    bytes: (world) =>
      posting(payment(world, typeof fields === 'function' ? fields(world) : fields)),
    ...answer,
  }
}

/** 400 `invalid_request` at a place. */
export function invalidAt(pointer: string): Pick<BadRequest, 'status' | 'code' | 'pointer'> {
  return { status: 400, code: 'invalid_request', pointer }
}

/** An answer without a place. */
export function answered(
  status: number,
  code: ProblemCode,
): Pick<BadRequest, 'status' | 'code' | 'pointer'> {
  return { status, code }
}

export const accepted = { status: 201 }
