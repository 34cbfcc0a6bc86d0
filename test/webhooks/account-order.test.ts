import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AccountOrder } from '../../services/worker/webhooks/account-order.ts'

test('of events that share an account only the first may go; others go on', () => {
  const order = new AccountOrder<{ accountIds: readonly string[] }>()
  const first = { accountIds: ['alice', 'cash'] }
  const second = { accountIds: ['bob', 'cash'] }
  const third = { accountIds: ['bob'] }
  const other = { accountIds: ['carol'] }
  for (const event of [first, second, third, other]) order.add(event)

  expect([...order.ready]).toEqual([first, other])
  order.remove(first)
  expect([...order.ready]).toEqual([other, second])
  order.remove(second)
  expect([...order.ready]).toEqual([other, third])
})

test('whatever comes and ends in whatever order, each goes once, and each account sees its events in order', () => {
  const accounts = fc.uniqueArray(fc.constantFrom('a', 'b', 'c', 'd'), { maxLength: 3 })
  const choices = fc.array(fc.nat(), { minLength: 40, maxLength: 40 })
  fc.assert(
    fc.property(fc.array(accounts, { maxLength: 20 }), choices, (events, chosen) => {
      const order = new AccountOrder<{ accountIds: string[]; number: number }>()
      const waiting = events.map((accountIds, number) => ({ accountIds, number }))
      const done: { accountIds: string[]; number: number }[] = []
      for (const choice of chosen) {
        const ready = [...order.ready]
        const next = choice % 2 === 0 ? waiting.shift() : undefined
        if (next !== undefined) order.add(next)
        else if (ready.length > 0) {
          const ended = ready[choice % ready.length]
          if (ended === undefined) continue
          order.remove(ended)
          done.push(ended)
        }
      }
      for (let [last] = order.ready; last !== undefined; [last] = order.ready) {
        order.remove(last)
        done.push(last)
      }
      expect(done.length).toBe(events.length - waiting.length)
      for (const account of ['a', 'b', 'c', 'd']) {
        const numbers = done
          .filter(({ accountIds }) => accountIds.includes(account))
          .map(({ number }) => number)
        expect(numbers).toEqual(numbers.toSorted((a, b) => a - b))
      }
    }),
  )
})
