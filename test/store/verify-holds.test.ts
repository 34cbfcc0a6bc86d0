import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Posting } from '../../shared/engine/post.ts'
import type { PostCommand } from '../../shared/engine/post-command.ts'
import type { TransactionRecord } from '../../shared/engine/transaction-record.ts'
import { Metrics } from '../../shared/metrics.ts'
import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import { openStore, type StoreLocation } from '../../shared/store/open.ts'
import { verifyStore } from '../../shared/store/verify/verify-store.ts'
import { voidCommand } from '../../shared/wire/target-request.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { captureOf, commandOf, ledgerId, openAccount, reversalOf } from '../support/commands.ts'
import { payment } from '../support/people.ts'
import { postgres, sqlite } from '../support/service.ts'
import { spoilable, type Spoilable } from './spoilable-books.ts'

const stores = [
  { name: 'sqlite', create: () => Promise.resolve(sqlite()) },
  { name: 'postgres', create: postgres },
]

/** Holds placed and resolved while a verification goes on. */
const holdsMany = 300

describe.each(stores)('verification of holds and reversals on $name', ({ create }) => {
  let location: StoreLocation
  let store: LedgerStore
  let posting: Posting
  let cash: string
  let alice: string
  let bob: string
  let spoiled: Spoilable

  beforeAll(async () => {
    location = await create()
    store = (await openStore(location)).store
    posting = new Posting(store, new Metrics().posting)
    cash = await openAccount(store, 'asset')
    alice = await openAccount(store, 'liability', 0n)
    bob = await openAccount(store, 'liability', 0n)
    const euros = await openAccount(store, 'asset', null, 'EUR')
    const inEuros = await openAccount(store, 'liability', 0n, 'EUR')
    await post(commandOf(payment({ debit: cash, credit: alice, amount: '100.00' })))

    const open = await post(aside('30.00', { reference: 'open' }))
    await post(captureOf(open, { amount: '10.00', final: false, reference: 'part' }))
    const ended = await post(aside('20.00', { reference: 'ended' }))
    await post(captureOf(ended, { amount: '5.00' }))
    const paid = await post(
      commandOf(payment({ debit: alice, credit: bob, amount: '9.00', reference: 'paid' })),
    )
    await post(reversalOf(paid, { amount: '4.00', reference: 'back' }))
    await post(
      commandOf({
        currency: 'USD',
        reference: 'exchange',
        entries: [
          { account_id: cash, direction: 'debit', amount: '1.08' },
          { account_id: alice, direction: 'credit', amount: '1.08' },
          { account_id: euros, direction: 'debit', amount: '1.00', currency: 'EUR' },
          { account_id: inEuros, direction: 'credit', amount: '1.00', currency: 'EUR' },
        ],
      }),
    )
    spoiled = await spoilable(location)
  })
  afterAll(() => store.close())

  function aside(amount: string, rest: Partial<NewTransactionJson> = {}): PostCommand {
    const hold = { expires_in: 3600 }
    return commandOf(payment({ debit: alice, credit: bob, amount, hold, ...rest }))
  }

  async function post(command: PostCommand): Promise<TransactionRecord> {
    const outcome = await posting.post(command)
    if (outcome.kind !== 'written') throw new Error(`not written: ${outcome.kind}`)
    expect(outcome.transaction.failure).toBeNull()
    return outcome.transaction
  }

  test('of what is right is clean and says what it looked at', async () => {
    const report = await verifyStore(location)
    expect(report.differences).toEqual([])
    expect(report.ledgers).toMatchObject([
      {
        openHolds: 1,
        transactions: { posted: 6, held: 1, captured: 1, voided: 0, expired: 0 },
        moved: new Map([
          ['USD', { debits: 12_908n, credits: 12_908n }],
          ['EUR', { debits: 100n, credits: 100n }],
        ]),
      },
    ])
  })

  const of = (reference: string) => `where reference = '${reference}'`
  test.each<[string, () => string, RegExp]>([
    [
      'a held total that was changed',
      () => `update accounts set held_debits = '1999' where id = '${alice}'`,
      /account .* has held_debits 1999, its open holds add up to 2000/,
    ],
    [
      'a held total on an account without holds',
      () => `update accounts set held_credits = '1' where id = '${cash}'`,
      /account .* has held_credits 1, its open holds add up to 0/,
    ],
    [
      'an open hold that was removed',
      () => `delete from transactions ${of('open')}`,
      /has held_debits 2000, its open holds add up to 0[^]*is captured or reversed by others and does not exist|is captured or reversed by others and does not exist[^]*has held_debits 2000, its open holds add up to 0/,
    ],
    [
      'a hold that ended and still holds',
      () => `update transactions set status = 'held', resolved_at = null ${of('ended')}`,
      /has held_debits 2000, its open holds add up to 3500/,
    ],
    [
      'a captured amount that was changed',
      () => `update transactions set resolved_entries = '["999","1000"]' ${of('open')}`,
      /has 999 resolved on the debit of account .*, its captures and reversals add up to 1000/,
    ],
    [
      'a captured amount that was forgotten',
      () => `update transactions set resolved_entries = null ${of('ended')}`,
      /has 0 resolved on the debit of account .*, its captures and reversals add up to 500/,
    ],
    [
      'a capture that nobody made',
      () => `update transactions set hold_id = null ${of('part')}`,
      /has 1000 resolved on the debit of account .*, its captures and reversals add up to 0/,
    ],
    [
      'more captured than was held',
      () => `update transactions set resolved_entries = '["3001","1000"]' ${of('open')}`,
      /has 3001 of the 3000 of entry 0 resolved/,
    ],
    [
      'a reversed amount that was changed',
      () => `update transactions set resolved_entries = '["401","401"]' ${of('paid')}`,
      /has 401 resolved on the debit of account .*, its captures and reversals add up to 400/,
    ],
    [
      'a reversal of which the original does not know',
      () => `update transactions set resolved_entries = null ${of('paid')}`,
      /has 0 resolved on the debit of account .*, its captures and reversals add up to 400/,
    ],
    [
      'a reversed amount that is no number',
      () => `update transactions set resolved_entries = '["many","400"]' ${of('paid')}`,
      /has undefined of the 900 of entry 0 resolved/,
    ],
    [
      'a hold that has ended without a time',
      () => `update transactions set status = 'captured' ${of('open')}`,
      /is captured and has no time resolved_at/,
    ],
    [
      'currencies that make up for each other',
      () =>
        `update entries set amount = '109' where amount = '108' and direction = 'debit';
         update entries set amount = '101' where amount = '100' and direction = 'credit'`,
      /has debits 109 and credits 108 in USD[^]*has debits 100 and credits 101 in EUR|has debits 100 and credits 101 in EUR[^]*has debits 109 and credits 108 in USD/,
    ],
  ])('finds %s', async (_, sql, found) => {
    await spoiled.spoil(sql())
    const report = await verifyStore(spoiled.location)
    const said = report.differences.map(({ subject, detail }) => `${subject} ${detail}`).join('\n')
    expect(report.clean).toBe(false)
    expect(said).toMatch(found)
  })

  test('is clean at every moment while holds come and go', async () => {
    let left = holdsMany
    const loaded = Promise.all(
      Array.from({ length: 10 }, async () => {
        for (; left > 0; left -= 1) {
          const hold = await post(aside('0.02'))
          await post(captureOf(hold, { amount: '0.01', final: left % 2 === 0 }))
          await posting.post(voidCommand(hold, null))
          const found = await store.findTransaction(ledgerId, hold.id)
          expect(found?.status).not.toBe('held')
        }
      }),
    )
    const verified = (async () => {
      for (; left > 0;) expect((await verifyStore(location)).differences).toEqual([])
    })()
    await Promise.all([loaded, verified])
    expect((await verifyStore(location)).ledgers[0]?.openHolds).toBe(1)
  })
})
