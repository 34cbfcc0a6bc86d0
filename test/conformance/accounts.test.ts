import { randomUUID } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { AccountJson, NewAccountJson } from '../support/api-client.ts'
import { open, openWallet } from '../support/people.ts'
import { shapes, type Service } from '../support/service.ts'

const nines = (count: number) => '9'.repeat(count)

describe.each(shapes)('accounts on $name', (shape) => {
  let ledger: Service
  beforeAll(async () => {
    ledger = await shape.start()
  })
  afterAll(() => ledger.close())

  describe('opening', () => {
    it('answers with all that was said and reads back the same', async () => {
      const code = `wallet:${randomUUID()}`
      const opened = await ledger.api.openAccount({
        name: 'Alice, wallet',
        account_type: 'liability',
        currency: 'USD',
        code,
        min_available: '-500.00',
        metadata: { customer: 'alice', färbe: 'grün 🟢' },
      })

      expect(opened.status).toBe(201)
      expect(opened.body).toEqual({
        id: expect.any(String),
        code,
        name: 'Alice, wallet',
        account_type: 'liability',
        normal_side: 'credit',
        currency: 'USD',
        status: 'active',
        min_available: '-500.00',
        balance: '0.00',
        available: '0.00',
        metadata: { customer: 'alice', färbe: 'grün 🟢' },
        version: 0,
        created_at: expect.any(String),
      })
      expect(opened.headers.get('location')).toBe(`/api/v1/accounts/${opened.body.id}`)
      expect((await ledger.api.account(opened.body.id)).body).toEqual(opened.body)
    })

    it('leaves out nothing: what was not said has its default', async () => {
      const cash = await open(ledger.api, { name: 'cash' })
      expect(cash).toMatchObject({ code: null, min_available: null, metadata: {} })
      const asNull = { code: null, min_available: null, metadata: null }
      expect(await open(ledger.api, { name: 'cash', ...asNull })).toMatchObject({
        ...asNull,
        metadata: {},
      })
    })

    it.each([
      ['asset', 'debit'],
      ['expense', 'debit'],
      ['liability', 'credit'],
      ['equity', 'credit'],
      ['revenue', 'credit'],
    ] as const)('gives an account of type %s the normal side %s', async (account_type, side) => {
      expect(await open(ledger.api, { account_type })).toMatchObject({
        account_type,
        normal_side: side,
      })
    })

    it.each([
      ['JPY', '0'],
      ['USD', '0.00'],
      ['HUF', '0.00'],
      ['BHD', '0.000'],
      ['CLF', '0.0000'],
    ])('shows the balance of an account in %s as %s', async (currency, balance) => {
      expect(await open(ledger.api, { currency })).toMatchObject({ balance, available: balance })
    })

    it('refuses a currency that the ledger does not know', async () => {
      const answer = await ledger.api.openAccount({
        name: 'alice',
        account_type: 'asset',
        currency: 'NOPE',
      })
      expect(answer.code).toBe('currency_unknown')
    })

    it.each<[string, Record<string, unknown>, string]>([
      ['a name', { name: undefined }, 'name'],
      ['an account type', { account_type: undefined }, 'account_type'],
      ['a currency', { currency: undefined }, 'currency'],
      ['a known account type', { account_type: 'income' }, 'account_type'],
      ['only fields that there are', { balance: '100.00' }, 'balance'],
      ['a name that is not empty', { name: '' }, 'name'],
    ])('requires %s', async (_, fault, pointer) => {
      const good = { name: 'alice', account_type: 'asset', currency: 'USD' }
      const { problem } = await ledger.api.post('/api/v1/accounts', { ...good, ...fault })
      expect(problem.code).toBe('invalid_request')
      expect(problem.errors?.map((error) => error.pointer)).toEqual([pointer])
    })

    it.each([
      ['name', 200],
      ['code', 100],
    ])('takes a %s of up to %i characters', async (field, lengthMax) => {
      const account = { name: 'alice', account_type: 'asset', currency: 'USD' } as NewAccountJson
      const unique = randomUUID()
      const longest = { ...account, [field]: unique.padEnd(lengthMax, 'é') }
      const tooLong = { ...account, [field]: unique.padEnd(lengthMax + 1, 'é') }
      expect((await ledger.api.openAccount(longest)).body).toMatchObject(longest)
      expect((await ledger.api.openAccount(tooLong)).code).toBe('invalid_request')
    })
  })

  describe('codes', () => {
    it('are given once in a ledger', async () => {
      const code = randomUUID()
      await open(ledger.api, { code })
      const second = { name: 'bob', account_type: 'asset', currency: 'EUR', code } as const
      expect((await ledger.api.openAccount(second)).code).toBe('code_taken')
    })

    it('are told apart by case', async () => {
      const code = randomUUID()
      await open(ledger.api, { code: `a-${code}` })
      expect(await open(ledger.api, { code: `A-${code}` })).toMatchObject({ code: `A-${code}` })
    })

    it('stay taken when their account is closed', async () => {
      const code = randomUUID()
      const { id } = await open(ledger.api, { code })
      expect((await ledger.api.changeAccount(id, { status: 'closed' })).status).toBe(200)
      const second = { name: 'bob', account_type: 'asset', currency: 'USD', code } as const
      expect((await ledger.api.openAccount(second)).code).toBe('code_taken')
    })

    it('go to one of many who ask at once', async () => {
      const account = {
        name: 'alice',
        account_type: 'asset',
        currency: 'USD',
        code: randomUUID(),
      } as const
      const answers = await Promise.all(
        Array.from({ length: 20 }, () => ledger.api.openAccount(account)),
      )
      const codes = answers.map((answer) => answer.code).toSorted()
      expect(codes).toEqual([...Array.from({ length: 19 }, () => 'code_taken'), 'ok'])
    })
  })

  describe('min_available', () => {
    it.each([
      ['0', '0.00'],
      ['0.00', '0.00'],
      ['-0.00', '0.00'],
      ['-500', '-500.00'],
      ['-500.5', '-500.50'],
      ['25.00', '25.00'],
      [`-${nines(36)}.99`, `-${nines(36)}.99`],
      [`${nines(36)}.99`, `${nines(36)}.99`],
    ])('%s is taken and shown as %s', async (min_available, shown) => {
      const opened = await open(ledger.api, { min_available })
      expect(opened.min_available).toBe(shown)
      expect((await ledger.api.account(opened.id)).body.min_available).toBe(shown)
    })

    it.each([
      ['0.001', 'amount_scale'],
      ['-0.000', 'amount_scale'],
      [`1${'0'.repeat(36)}`, 'amount_too_large'],
      [`-1${'0'.repeat(36)}.00`, 'amount_too_large'],
      ['', 'invalid_request'],
      ['+1.00', 'invalid_request'],
      ['1e3', 'invalid_request'],
      ['01.00', 'invalid_request'],
      ['1.', 'invalid_request'],
      ['.5', 'invalid_request'],
      ['1,00', 'invalid_request'],
      [' 1.00', 'invalid_request'],
      ['Infinity', 'invalid_request'],
      [100, 'invalid_request'],
    ])('%s is refused with %s, on opening and on change', async (min_available, code) => {
      const account = { name: 'alice', account_type: 'asset', currency: 'USD' }
      const opened = await ledger.api.post('/api/v1/accounts', { ...account, min_available })
      expect(opened.problem).toMatchObject({ code, errors: [{ pointer: 'min_available' }] })
      const { id } = await open(ledger.api)
      const changed = await ledger.api.patch(`/api/v1/accounts/${id}`, { min_available })
      expect(changed.problem).toMatchObject({ code, errors: [{ pointer: 'min_available' }] })
    })

    it('has the scale of the currency', async () => {
      expect(await open(ledger.api, { currency: 'JPY', min_available: '-1000' })).toMatchObject({
        min_available: '-1000',
      })
      const fraction = { name: 'a', account_type: 'asset', currency: 'JPY' } as const
      const answer = await ledger.api.openAccount({ ...fraction, min_available: '-1000.0' })
      expect(answer.code).toBe('amount_scale')
    })
  })

  describe('reading', () => {
    it('finds an account by its id in either case', async () => {
      const { id } = await open(ledger.api)
      expect((await ledger.api.account(id.toUpperCase())).body.id).toBe(id)
    })

    it.each([randomUUID(), 'alice', '00000000-0000-0000-0000-00000000000g'])(
      'finds nothing at %s',
      async (id) => {
        expect((await ledger.api.account(id)).code).toBe('not_found')
        expect((await ledger.api.balance(id)).code).toBe('not_found')
        expect((await ledger.api.entries(id)).code).toBe('not_found')
        expect((await ledger.api.changeAccount(id, { name: 'x' })).code).toBe('not_found')
        expect((await ledger.api.changeAccount(id, {})).code).toBe('not_found')
      },
    )

    it.each(['', '/balance', '/entries'])('refuses unknown parameters (…%s)', async (list) => {
      const { id } = await open(ledger.api)
      const { problem } = await ledger.api.get(`/api/v1/accounts/${id}${list}?colour=red`)
      expect(problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: 'query/colour' }],
      })
    })
  })

  describe('listing', () => {
    const ids = (accounts: readonly AccountJson[]) => accounts.map((account) => account.id)

    it('shows the newest first, as each reads by itself', async () => {
      await ledger.api.registerCurrency({ code: 'NEWEST', exponent: 1 })
      const first = await open(ledger.api, { currency: 'NEWEST', metadata: { a: 'b' } })
      const second = await openWallet(ledger.api, { currency: 'NEWEST', code: randomUUID() })
      const { items, next_cursor } = (await ledger.api.accounts({ currency: 'NEWEST' })).body
      expect(items).toEqual([second, first])
      expect(next_cursor).toBeNull()
    })

    it('filters by currency, type, status and code, and by all of them', async () => {
      await ledger.api.registerCurrency({ code: 'FILTERS', exponent: 0 })
      const currency = 'FILTERS'
      const code = randomUUID()
      const asset = await open(ledger.api, { currency, code })
      const equity = await open(ledger.api, { currency, account_type: 'equity' })
      const frozen = await open(ledger.api, { currency, account_type: 'equity' })
      await ledger.api.changeAccount(frozen.id, { status: 'frozen' })

      const found = async (query: Record<string, string>) =>
        ids((await ledger.api.accounts(query)).body.items)
      expect(await found({ currency })).toEqual([frozen.id, equity.id, asset.id])
      expect(await found({ currency, account_type: 'equity' })).toEqual([frozen.id, equity.id])
      expect(await found({ currency, status: 'frozen' })).toEqual([frozen.id])
      expect(await found({ currency, status: 'closed' })).toEqual([])
      expect(await found({ code })).toEqual([asset.id])
      expect(await found({ code, currency, account_type: 'asset', status: 'active' })).toEqual([
        asset.id,
      ])
      expect(await found({ code, account_type: 'equity' })).toEqual([])
      expect(await found({ currency: 'NOPE' })).toEqual([])
    })

    it.each([
      ['status', 'open'],
      ['account_type', 'income'],
      ['currency', ''],
      ['name', 'alice'],
    ])('refuses the filter %s=%s', async (name, value) => {
      const { problem } = await ledger.api.accounts({ [name]: value })
      expect(problem).toMatchObject({
        code: 'invalid_request',
        errors: [{ pointer: `query/${name}` }],
      })
    })
  })
})
