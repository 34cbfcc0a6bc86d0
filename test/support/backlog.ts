import { Acceptance } from '../../shared/engine/accept.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import type { NewTransactionJson } from './api-client.ts'
import { commandOf } from './commands.ts'

const batchSize = 500

const nobody = { batchDone: () => undefined, retried: () => undefined, split: () => undefined }

/** Queues many transactions past the API, in the order given, and rings nobody. Gives their ids. */
export async function queueBacklog(
  store: LedgerStore,
  requests: readonly NewTransactionJson[],
): Promise<string[]> {
  const acceptance = new Acceptance(store, nobody, () => undefined)
  const commands = requests.map(commandOf)
  for (let begin = 0; begin < commands.length; begin += batchSize) {
    const batch = await acceptance.acceptBatch(commands.slice(begin, begin + batchSize))
    for (const settled of batch) if (settled.status === 'rejected') throw settled.reason
  }
  return commands.map((command) => command.transactionId)
}
