import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { ServiceProcess } from '../crash/service-process.ts'
import { ApiClient } from '../support/api-client.ts'
import { openPeople, payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { until } from '../support/until.ts'
import { Receiver, versionsOf } from './receiver.ts'

const environment = { WEBHOOK_ALLOW_PRIVATE: '127.0.0.0/8', WEBHOOK_RETRY_S: '1,1,1,1,1,1' }
const count = 60

/** How long an answer takes: long enough that a process dies with some under way. */
const answerMs = 30

test.concurrent.each([
  { store: 'Postgres, beside another process', locate: () => postgres(), isBeside: true },
  { store: 'SQLite, before it is started again', locate: () => sqlite(), isBeside: false },
])(
  'a process that is killed while it sends loses no event and changes no order: $store',
  async ({ locate, isBeside }) => {
    const location = await locate()
    const receiver = await Receiver.start()
    receiver.behaviour = () => sleep(answerMs, 204)
    const processes = [await ServiceProcess.start(location, environment)]
    const [first] = processes as [ServiceProcess]
    try {
      const api = await ApiClient.of(first.url)
      const people = await openPeople(api)
      const { url } = receiver
      const types = ['transaction.posted']
      const made = await api.post<{ secret: string }>('/api/v1/webhooks', { url, types })
      receiver.secret = made.body.secret
      const wallets = [people.alice, people.bob]
      const pay = (n: number) =>
        api.postTransaction(
          payment({ debit: people.cash, credit: wallets[n % 2] ?? '', amount: '1.00' }),
        )
      const firstId = (await pay(0)).body.id
      await until('the first event', () => receiver.taken.some(({ data }) => data.id === firstId))
      if (isBeside) processes.push(await ServiceProcess.start(location, environment))

      const posted = await Promise.all(Array.from({ length: count }, (_, n) => pay(n)))
      await until('some events', () => receiver.taken.length >= count / 4)
      await first.end('SIGKILL')
      const before = receiver.taken.length
      expect(before).toBeLessThan(count)
      if (!isBeside) processes.push(await ServiceProcess.start(location, environment))

      const ids = posted.map(({ body }) => body.id)
      const missing = () => ids.filter((id) => !receiver.taken.some(({ data }) => data.id === id))
      await until('all events', () => missing().length === 0, 20_000)
      for (const account of [people.cash, ...wallets]) {
        const versions = versionsOf(receiver.taken, account)
        expect(versions).toEqual(versions.toSorted((a, b) => a - b))
      }
      expect(versionsOf(receiver.taken, people.cash)).toHaveLength(count + 1)
      expect(receiver.refused).toEqual([])
    } finally {
      for (const one of processes) await one.clear()
      await receiver.close()
    }
  },
  60_000,
)
