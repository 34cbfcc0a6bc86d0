import { randomInt, randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { payment } from '../support/people.ts'
import { readRows } from '../support/read-rows.ts'
import { postgres, sqlite } from '../support/service.ts'
import { forEachOf, openAccounts, type Accounts } from './journaled-load.ts'
import { ServiceProcess, withDeadline } from './service-process.ts'

/** Members of one batch, and clients that send one after another. */
const members = 20
const clients = 8
/** How many answers the service may give before it is killed: never the same moment twice. */
const answersMin = 5
const answersMax = 60
const deadlineMs = 20_000

/** A batch that was sent, and the transactions that its answer named, if there was one. */
interface SentBatch {
  readonly mode: 'atomic' | 'independent'
  readonly keys: readonly string[]
  acknowledged: readonly string[] | undefined
}

/** Posts a batch of payments of 1.00, each under its key, and gives their ids. Rejects when there is no answer. */
async function postBatch(url: string, { debit, credit }: Accounts, batch: SentBatch) {
  const response = await fetch(`${url}/api/v1/transactions/batch`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      mode: batch.mode,
      transactions: batch.keys.map((idempotency_key) =>
        payment({ debit, credit, amount: '1.00', idempotency_key }),
      ),
    }),
  })
  const { items } = (await response.json()) as { items?: { transaction: { id: string } }[] }
  if (response.status !== 201 || items === undefined) throw new Error(`it was ${response.status}`)
  return items.map(({ transaction }) => transaction.id)
}

/** Sends batches of both modes until the service is gone, and tells when so many are answered. */
function sendBatches(url: string, accounts: Accounts, answers: number) {
  const sent: SentBatch[] = []
  let left = answers
  let reached: () => void = () => undefined
  const answered = new Promise<void>((resolve) => {
    reached = resolve
  })
  const client = async (_: unknown, number: number): Promise<void> => {
    for (;;) {
      const mode = number % 2 === 0 ? 'atomic' : 'independent'
      const keys = Array.from({ length: members }, () => randomUUID())
      const batch: SentBatch = { mode, keys, acknowledged: undefined }
      sent.push(batch)
      try {
        batch.acknowledged = await postBatch(url, accounts, batch)
      } catch {
        return
      }
      left -= 1
      if (left === 0) reached()
    }
  }
  const over = Promise.all(Array.from({ length: clients }, client))
  return { sent, answered, over }
}

describe.each([
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
])('a service on $name that is killed with -9 in the midst of batches', ({ create }) => {
  test('has atomic ones wholly or not at all, and the same keys become one and the same', async () => {
    const location = await create()
    let service = await ServiceProcess.start(location)
    try {
      const accounts = await openAccounts(service)
      const load = sendBatches(service.url, accounts, randomInt(answersMin, answersMax))
      await withDeadline(load.answered, deadlineMs, 'the answers did not come')
      await service.end('SIGKILL')
      await withDeadline(load.over, deadlineMs, 'the clients did not stop')
      expect(load.sent.some(({ acknowledged }) => acknowledged === undefined)).toBe(true)

      expect((await verifyStore(location)).differences).toEqual([])
      const [rows = []] = await readRows(location, [
        `select id, idempotency_key from transactions where status = 'posted'`,
      ])
      const idByKey = new Map(rows.map((row) => [row['idempotency_key'], row['id']]))
      for (const { mode, keys, acknowledged } of load.sent) {
        const there = keys.flatMap((key) => idByKey.get(key) ?? [])
        if (acknowledged !== undefined) expect(there).toEqual(acknowledged)
        else if (mode === 'atomic') expect([0, members]).toContain(there.length)
      }

      service = await ServiceProcess.start(location)
      await forEachOf(load.sent, async (batch) => {
        const [one, other] = await Promise.all([
          postBatch(service.url, accounts, batch),
          postBatch(service.url, accounts, batch),
        ])
        expect(other).toEqual(one)
        if (batch.acknowledged !== undefined) expect(one).toEqual(batch.acknowledged)
      })
      expect(await verifyStore(location)).toMatchObject({
        differences: [],
        ledgers: [{ transactions: { posted: load.sent.length * members, failed: 0 } }],
      })
    } finally {
      await service.clear()
    }
  })
})
