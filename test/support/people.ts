import type { AccountJson, ApiClient, NewAccountJson, NewTransactionJson } from './api-client.ts'

/** The accounts most stories need: two wallets that cannot be overdrawn, and the bank account behind them. */
export interface People {
  readonly alice: string
  readonly bob: string
  readonly cash: string
}

/** Opens new accounts for `alice`, `bob` and `cash` and gives their ids. */
export async function openPeople(api: ApiClient, currency = 'USD'): Promise<People> {
  const [alice, bob, cash] = await Promise.all([
    openWallet(api, { name: 'alice', currency }),
    openWallet(api, { name: 'bob', currency }),
    open(api, { name: 'cash', account_type: 'asset', currency }),
  ])
  return { alice: alice.id, bob: bob.id, cash: cash.id }
}

/** Opens a wallet: money we owe its holder, never less than nothing. */
export function openWallet(
  api: ApiClient,
  wallet: Partial<NewAccountJson> = {},
): Promise<AccountJson> {
  return open(api, { account_type: 'liability', min_available: '0', ...wallet })
}

/** Opens an account without a floor; throws when it is refused. */
export async function open(
  api: ApiClient,
  account: Partial<NewAccountJson> = {},
): Promise<AccountJson> {
  const defaults = { name: 'an account', account_type: 'asset', currency: 'USD' } as const
  return (await api.openAccount({ ...defaults, ...account })).body
}

/** A payment between two accounts, and whatever else the request says. */
export interface Payment extends Partial<NewTransactionJson> {
  readonly debit: string
  readonly credit: string
  readonly amount: string
}

/** Writes the request for a payment: one debit, one credit, in USD unless it says otherwise. */
export function payment({ debit, credit, amount, ...rest }: Payment): NewTransactionJson {
  return {
    currency: 'USD',
    entries: [
      { account_id: debit, direction: 'debit', amount },
      { account_id: credit, direction: 'credit', amount },
    ],
    ...rest,
  }
}

/** Gives a wallet money from `cash`; throws when it is refused. */
export async function fund(
  api: ApiClient,
  people: Pick<People, 'cash'>,
  wallet: string,
  amount: string,
): Promise<void> {
  const answer = await api.postTransaction(payment({ debit: people.cash, credit: wallet, amount }))
  if (answer.status !== 201) throw new Error(`no funds: ${answer.code}`)
}

/** The balance as a decimal text. */
export async function balanceOf(api: ApiClient, account: string): Promise<string> {
  return (await api.balance(account)).body.balance
}
