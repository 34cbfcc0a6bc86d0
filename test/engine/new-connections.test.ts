import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Acceptance } from '../../shared/engine/accept.ts'
import { drainOnce } from '../../shared/engine/drain.ts'
import { Posting } from '../../shared/engine/post.ts'
import { GroupCommit } from '../../shared/engine/group-commit.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore } from '../../shared/store/open.ts'
import { commandOf, ledgerId, openAccount } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { sqlite } from '../support/service.ts'

const connections = 200
/** A batch or drain lets 32 connections in. Without that it is one for each, as the control shows. */
const piecesMax = 10

const unobserved = { batchDone: () => {}, retried: () => {}, split: () => {} }

// Node takes in one new connection a turn of the event loop, and on SQLite each batch holds the loop up. The last of
// 200 clients waited for seconds until it was heard at all.
describe('on SQLite 200 clients that connect at once are soon heard, while the process is busy', () => {
  let store: LedgerStore
  let payments: () => ReturnType<typeof commandOf>
  beforeEach(async () => {
    store = (await openStore(sqlite())).store
    const alice = await openAccount(store, 'liability')
    const cash = await openAccount(store, 'asset')
    payments = () => commandOf(payment({ debit: cash, credit: alice, amount: '1.00' }))
  })
  afterEach(() => store.close())

  test('posting', async () => {
    const posting = new Posting(store, unobserved)
    expect(await piecesUntilHeard(() => posting.post(payments()))).toBeLessThan(piecesMax)
  })

  test('accepting', async () => {
    const acceptance = new Acceptance(store, unobserved, () => {})
    expect(await piecesUntilHeard(() => acceptance.accept(payments()))).toBeLessThan(piecesMax)
  })

  test('draining', async () => {
    const drain = () => drainOnce(store, ledgerId, [1, 2, 3])
    expect(await piecesUntilHeard(drain)).toBeLessThan(piecesMax)
  })

  test('but not when a batch leaves them a single turn: the control', async () => {
    const batches = new GroupCommit<string, undefined>({
      batchSizeMax: 1,
      batchesMax: 1,
      turnsBefore: 1,
      flush: () => Promise.resolve([{ status: 'fulfilled', value: undefined }]),
    })
    expect(await piecesUntilHeard(() => batches.submit('alone'))).toBeGreaterThan(connections / 3)
  })
})

/** Does one piece of work after the other and counts them, until all who connected at its beginning are heard. */
async function piecesUntilHeard(work: () => Promise<unknown>): Promise<number> {
  let heard = 0
  const server = createServer(() => (heard += 1)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const clients = Array.from({ length: connections }, () => connect(port, '127.0.0.1'))
  let pieces = 0
  for (; heard < connections; pieces += 1) await work()
  for (const client of clients) client.destroy()
  server.close()
  return pieces
}
