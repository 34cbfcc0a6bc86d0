import { once } from 'node:events'
import { connect } from 'node:net'
import { describe, expect, test } from 'vitest'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { postgres, sqlite } from '../support/service.ts'
import { forEachOf, JournaledLoad, openAccounts, pay } from './journaled-load.ts'
import { ServiceProcess, withDeadline } from './service-process.ts'

/** Far below the 25 s of the promise: nothing is in the way here. */
const quicklyMs = 5000

describe.each([
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
])('a service on $name that is told to stop under load', ({ create }) => {
  test('answers every request that it took, and ends with 0', async () => {
    const location = await create()
    let service = await ServiceProcess.start(location)
    try {
      const accounts = await openAccounts(service)
      const idle = await openIdleConnection(service.url)
      const load = new JournaledLoad(service, accounts)
      await load.untilAnswered(200)

      const end = await service.end('SIGTERM')
      expect(end).toMatchObject({ code: 0, signal: null })
      expect(end.tookMs).toBeLessThan(quicklyMs)
      await load.untilOver()
      await withDeadline(idle.closed, quicklyMs, 'the idle connection was not closed')
      await expect(fetch(service.url)).rejects.toThrow('fetch failed')

      // What went unanswered was never taken: nothing of it is in the ledger.
      const before = await verifyStore(location)
      expect(before.differences).toEqual([])
      expect(before.ledgers[0]?.transactions.posted).toBe(load.acknowledged.length)
      expect(
        load.journal.filter(({ refused }) => refused !== undefined && refused !== 503),
      ).toEqual([])

      service = await ServiceProcess.start(location)
      await forEachOf(load.unanswered, async ({ key }) => {
        expect(await pay(service, accounts, key)).toMatchObject({
          status: 201,
          replayed: false,
        })
      })
    } finally {
      await service.clear()
    }
  })
})

/** Opens a connection that has had an answer and stays open; `closed` resolves at its end. */
async function openIdleConnection(url: string): Promise<{ readonly closed: Promise<unknown> }> {
  const { hostname, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.write(`GET /health HTTP/1.1\r\nhost: ${hostname}\r\n\r\n`)
  await once(socket, 'data')
  return { closed: once(socket, 'close') }
}
