import { newId } from '../../shared/engine/new-id.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import { isoCurrencies } from '../../shared/ledger/currency.ts'
import { minorUnits } from '../../shared/ledger/money.ts'
import type { TransactionRecord } from '../../shared/engine/transaction-record.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import {
  captureCommand,
  captureRequest,
  reversalCommand,
  reversalRequest,
} from '../../shared/wire/target-request.ts'
import { postCommand, transactionRequest } from '../../shared/wire/transaction-request.ts'
import type { CaptureJson, NewTransactionJson, ReversalJson } from './api-client.ts'

/** The default ledger. */
export const ledgerId = 1

/** Makes the command that the API would make of a request. */
export function commandOf(request: NewTransactionJson): PostCommand {
  const parsed = transactionRequest.parse(request)
  return postCommand(parsed, parsed.idempotency_key ?? null, ledgerId, isoCurrencies)
}

/** Makes the command that the API would make of a request to capture a hold. */
export function captureOf(hold: TransactionRecord, request: CaptureJson = {}): PostCommand {
  const parsed = captureRequest.parse(request)
  return captureCommand(hold, parsed, parsed.idempotency_key ?? null, isoCurrencies)
}

/** Makes the command that the API would make of a request to reverse a transaction. */
export function reversalOf(
  original: TransactionRecord,
  request: Omit<ReversalJson, 'reason'> = {},
): PostCommand {
  const parsed = reversalRequest.parse({ reason: 'Mistake.', ...request })
  return reversalCommand(original, parsed, parsed.idempotency_key ?? null, isoCurrencies)
}

/** Opens an account, in USD unless it says otherwise, past the API, and gives its id. Without a floor unless `floor` (in cents) is given. */
export async function openAccount(
  store: LedgerStore,
  accountType: 'asset' | 'liability',
  floor: bigint | null = null,
  currency = 'USD',
): Promise<string> {
  const id = newId()
  const created = await store.createAccount({
    id,
    ledgerId,
    code: null,
    name: 'an account',
    accountType,
    currency: { code: currency, exponent: 2 },
    minAvailable: floor === null ? null : minorUnits(floor),
    metadata: {},
    createdAt: Date.now(),
  })
  if (!created) throw new Error('no account')
  return id
}
