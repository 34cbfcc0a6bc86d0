import type { PostCommand } from '../../shared/engine/post-command.ts'
import { isoCurrencies } from '../../shared/ledger/currency.ts'
import { postCommand, transactionRequest } from '../../shared/wire/transaction-request.ts'

/** The ledger that every deployment has. */
const defaultLedgerId = 1

let made = 0

/** Commands for payments of 1.00 between these accounts in turns, each under a key of its own, as the API makes them. */
export function payments(accounts: readonly string[], count: number): PostCommand[] {
  return Array.from({ length: count }, () => {
    made += 1
    const step = 1 + (made % (accounts.length - 1))
    const from = accounts[made % accounts.length]
    const to = accounts[(made + step) % accounts.length]
    const request = transactionRequest.parse({
      currency: 'USD',
      idempotency_key: `engine-${process.pid}-${made}`,
      entries: [
        { account_id: from, direction: 'debit', amount: '1.00' },
        { account_id: to, direction: 'credit', amount: '1.00' },
      ],
    })
    return postCommand(request, request.idempotency_key ?? null, defaultLedgerId, isoCurrencies)
  })
}
