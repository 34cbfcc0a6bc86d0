import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { ApiClient } from '../support/api-client.ts'
import { sqlite, startService, type Service } from '../support/service.ts'

// The controls of the whole suite: its client must not let a wrong answer pass.
describe('the client of these tests', () => {
  let ledger: Service
  let forger: Server
  let client: ApiClient
  let forged = { status: 200, type: 'application/json; charset=utf-8', body: {} as object }

  beforeAll(async () => {
    ledger = await startService(sqlite())
    const document = await (await fetch(`${ledger.url}/openapi.json`)).text()
    forger = createServer((request, response) => {
      const asked = request.url === '/openapi.json'
      const { status, type, body } = forged
      response.writeHead(asked ? 200 : status, {
        'content-type': type,
        'cache-control': 'no-store',
      })
      response.end(asked ? document : JSON.stringify(body))
    })
    await new Promise<void>((resolve) => {
      forger.listen(0, '127.0.0.1', resolve)
    })
    client = await ApiClient.of(`http://127.0.0.1:${(forger.address() as AddressInfo).port}`)
  })
  afterAll(async () => {
    forger.close()
    forger.closeAllConnections()
    await ledger.close()
  })

  const good = async () =>
    (await ledger.api.openAccount({ name: 'alice', account_type: 'asset', currency: 'USD' })).body
  const json = 'application/json; charset=utf-8'
  const problemJson = 'application/problem+json; charset=utf-8'
  const problem = {
    type: '/errors#not_found',
    title: 'There is nothing at this address',
    status: 404,
    detail: 'There is nothing at this address',
    instance: '/api/v1/accounts/{id}',
    code: 'not_found',
    retryable: false,
  }

  const ok = { status: 200, type: json }
  const notFound = { status: 404, type: problemJson, body: problem }

  it('takes a good answer and a good error', async () => {
    const account = await good()
    forged = { status: 200, type: json, body: account }
    expect((await client.account(account.id)).body).toEqual(account)
    forged = { status: 404, type: problemJson, body: problem }
    expect((await client.account(account.id)).code).toBe('not_found')
  })

  it.each<[string, string, (account: object) => typeof forged]>([
    ['with a field too many', 'colour', (a) => ({ ...ok, body: { ...a, colour: 'red' } })],
    ['with a field too few', 'name', () => ({ ...ok, body: { id: 'x' } })],
    ['with a number for money', 'balance', (a) => ({ ...ok, body: { ...a, balance: 1 } })],
    ['with another good status', 'answered 201', (body) => ({ ...ok, status: 201, body })],
    ['of another content type', 'text/html', (body) => ({ ...ok, type: 'text/html', body })],
  ])('refuses an answer %s', async (_, complaint, forge) => {
    const account = await good()
    forged = forge(account)
    await expect(client.account(account.id)).rejects.toThrow(complaint)
  })

  it.each<[string, string, typeof forged]>([
    ['that is plain JSON', 'application/json', { status: 404, type: json, body: problem }],
    ['of an unknown code', 'odd', { ...notFound, body: { ...problem, code: 'odd' } }],
    ['whose status is not its code’s', '404', { ...notFound, status: 400 }],
    ['without a detail', 'detail', { ...notFound, body: { ...problem, detail: null } }],
    [
      'that its route does not document',
      'documented errors 409',
      {
        status: 409,
        type: problemJson,
        body: {
          ...problem,
          type: '/errors#code_taken',
          title: 'Another account of the ledger has this code',
          status: 409,
          code: 'code_taken',
        },
      },
    ],
  ])('refuses an error %s', async (_, complaint, error) => {
    forged = error
    await expect(client.account((await good()).id)).rejects.toThrow(complaint)
  })
})
