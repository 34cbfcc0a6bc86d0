import { createServer, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Attempts } from '../../services/worker/webhooks/attempt.ts'
import { until } from '../support/until.ts'
import { TargetRules, type TargetAllowance } from '../../shared/webhooks/target-rules.ts'

const nothingMore: TargetAllowance = { privateNetworks: [], plainHttp: true }

/** What every name in these tests leads to, first and then. */
const names: Record<string, readonly string[]> = {
  'public.example': ['93.184.216.34', '2606:2800:220:1::1'],
  'private.example': ['10.0.0.7'],
  'loopback.example': ['127.0.0.1'],
  'both.example': ['93.184.216.34', '127.0.0.1'],
  'mapped.example': ['::ffff:10.0.0.7'],
  localhost: ['127.0.0.1', '::1'],
  'localhost.': ['127.0.0.1', '::1'],
}

function rulesWith(allowance: TargetAllowance): TargetRules {
  return new TargetRules(allowance, (name) => {
    const found = names[name]
    return found === undefined ? Promise.reject(new Error(name)) : Promise.resolve(found)
  })
}

function judged(url: string, allowance = nothingMore): Promise<unknown> {
  return rulesWith(allowance).addressesOf(new URL(url))
}

describe('a target is refused', () => {
  test.each([
    // IPv4 as it stands, and in every way in which an address can be written.
    'http://127.0.0.1/',
    'http://127.1/',
    'http://2130706433/',
    'http://0x7f.0.0.1/',
    'http://0177.0.0.1/',
    'http://①②⑦.0.0.1/',
    'http://0.0.0.0/',
    'http://10.0.0.1/',
    'http://172.16.0.1/',
    'http://172.31.255.255/',
    'http://192.168.0.1/',
    'http://169.254.169.254/latest/meta-data/',
    'http://100.64.0.1/',
    'http://192.0.0.1/',
    'http://192.0.2.1/',
    'http://198.18.0.1/',
    'http://224.0.0.1/',
    'http://240.0.0.1/',
    'http://255.255.255.255/',
    // IPv6, and the ways in which an IPv4 address travels in it.
    'http://[::]/',
    'http://[::1]/',
    'http://[fe80::1]/',
    'http://[fc00::1]/',
    'http://[fd12:3456::1]/',
    'http://[fec0::1]/',
    'http://[ff02::1]/',
    'http://[::ffff:127.0.0.1]/',
    'http://[::ffff:7f00:1]/',
    'http://[::127.0.0.1]/',
    'http://[::ffff:0:127.0.0.1]/',
    'http://[64:ff9b::127.0.0.1]/',
    'http://[64:ff9b:1::1]/',
    'http://[2002:7f00:1::]/',
    'http://[2001::1]/',
    'http://[2001:db8::1]/',
    'http://[4000::1]/',
    // Names that lead there.
    'http://localhost/',
    'http://localhost./',
    'http://private.example/',
    'http://loopback.example:8080/',
    'http://mapped.example/',
    'https://both.example/',
  ])('that is not public: %s', async (url) => {
    expect(await judged(url)).toBe('private_address')
  })

  test('whose name leads nowhere', async () => {
    expect(await judged('https://nowhere.example/')).toBe('unresolvable')
  })

  test('with plain http where https is asked for', async () => {
    const inProduction = { ...nothingMore, plainHttp: false }
    expect(await judged('http://public.example/', inProduction)).toBe('https_required')
    expect(await judged('https://public.example/', inProduction)).toEqual(names['public.example'])
  })
})

describe('a target is allowed', () => {
  test.each([
    'http://public.example:8080/',
    'https://1.1.1.1/',
    'https://172.15.255.255/',
    'https://172.32.0.0/',
    'https://100.63.255.255/',
    'https://[2606:4700::1111]/',
  ])('that is public: %s', async (url) => {
    expect(await judged(url)).toBeInstanceOf(Array)
  })

  test('in a network that an operator names, with plain http too, and not beside it', async () => {
    const allowed = { privateNetworks: ['10.0.0.0/8', '::1'], plainHttp: false }

    expect(await judged('http://10.1.2.3/', allowed)).toEqual(['10.1.2.3'])
    expect(await judged('http://private.example/', allowed)).toEqual(['10.0.0.7'])
    expect(await judged('http://[::1]/', allowed)).toEqual(['::1'])
    expect(await judged('http://11.1.2.3/', allowed)).toBe('https_required')
    expect(await judged('http://192.168.0.1/', allowed)).toBe('private_address')
    expect(await judged('http://127.0.0.1/', allowed)).toBe('private_address')
  })

  test('anywhere when an operator allows any', async () => {
    const any = { privateNetworks: 'all', plainHttp: false } as const
    expect(await judged('http://169.254.169.254/', any)).toEqual(['169.254.169.254'])
  })
})

describe('an attempt', () => {
  let server: Server
  let port: number
  let requests: string[] = []
  const message = { headers: {}, body: '{}' }
  const any = { privateNetworks: 'all', plainHttp: true } as const

  beforeAll(async () => {
    server = createServer((request, response) => {
      requests.push(request.url ?? '')
      const [, kind = '', place = ''] = (request.url ?? '').split('/')
      if (kind === 'hang') return
      if (kind === 'to') response.setHeader('location', `http://127.0.0.1:${port}/${place}`)
      if (kind === 'long') return void response.writeHead(200).write('x'.repeat(1_000_000))
      response.writeHead(kind === 'to' ? 307 : Number(kind)).end()
    })
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    ;({ port } = server.address() as AddressInfo)
  })
  afterAll(() => {
    server.closeAllConnections()
    server.close()
  })

  async function post(path: string, rules = rulesWith(any), host = '127.0.0.1') {
    requests = []
    const attempts = new Attempts(rules, 300)
    const outcome = await attempts.post(new URL(`http://${host}:${port}/${path}`), message)
    attempts.close()
    return outcome
  }

  test.each([
    ['200', { kind: 'delivered', statusCode: 200 }],
    ['204', { kind: 'delivered', statusCode: 204 }],
    ['long', { kind: 'delivered', statusCode: 200 }],
    ['304', { kind: 'redirect', statusCode: 304 }],
    ['404', { kind: 'client_error', statusCode: 404 }],
    ['410', { kind: 'gone', statusCode: 410 }],
    ['500', { kind: 'server_error', statusCode: 500 }],
    ['hang', { kind: 'timeout', statusCode: null }],
  ])('answered with %s', async (path, outcome) => {
    expect(await post(path)).toMatchObject(outcome)
  })

  test('that is cut off is neither a success nor a failure', async () => {
    const attempts = new Attempts(rulesWith(any), 5000)
    const cut = attempts.post(new URL(`http://127.0.0.1:${port}/hang`), message)
    await until('the request', () => requests.includes('/hang'))
    attempts.cutOff()

    expect(await cut).toBe('cut_off')
    attempts.close()
  })

  test('follows no redirect', async () => {
    expect(await post('to/200')).toMatchObject({ kind: 'redirect', statusCode: 307 })
    expect(requests).toEqual(['/to/200'])
  })

  test('to an address that is not public, or a name that leads to one, reaches nobody', async () => {
    const rules = rulesWith(nothingMore)
    for (const host of ['127.0.0.1', 'loopback.example', 'both.example', '[::ffff:127.0.0.1]']) {
      expect(await post('200', rules, host)).toMatchObject({ kind: 'private_address' })
      expect(requests).toEqual([])
    }
    // The same target takes it when it is allowed: nothing else has kept it away.
    const allowed = rulesWith({ privateNetworks: ['127.0.0.0/8'], plainHttp: true })
    expect(await post('200', allowed, 'loopback.example')).toMatchObject({ kind: 'delivered' })
  })

  test('goes by what a name leads to when it is connected to, not by what it led to before', async () => {
    const answers = [['93.184.216.34'], ['127.0.0.1']]
    const rebinding = new TargetRules(nothingMore, () => Promise.resolve(answers.shift() ?? []))
    const url = new URL(`http://rebinding.example:${port}/200`)

    expect(await rebinding.addressesOf(url)).toEqual(['93.184.216.34'])
    expect(await post('200', rebinding, 'rebinding.example')).toMatchObject({
      kind: 'private_address',
    })
    expect(requests).toEqual([])
  })

  test('to nobody says so, and so does one whose name leads nowhere', async () => {
    const attempts = new Attempts(rulesWith(any), 300)
    const nobody = await attempts.post(new URL('http://127.0.0.1:1/'), message)
    const nowhere = await attempts.post(new URL('http://nowhere.example/'), message)
    const noTls = await attempts.post(new URL(`https://127.0.0.1:${port}/200`), message)

    expect(nobody).toMatchObject({ kind: 'connection', error: 'no connection (ECONNREFUSED)' })
    expect(nowhere).toMatchObject({ kind: 'unresolvable' })
    expect(noTls).toMatchObject({ kind: 'tls' })
  })

  test('uses a connection again, also one that the receiver closes at that moment', async () => {
    const attempts = new Attempts(rulesWith(any), 1000)
    const url = new URL(`http://127.0.0.1:${port}/200`)
    const connections = new Set<unknown>()
    server.on('connection', (socket) => connections.add(socket))

    for (let turn = 0; turn < 3; turn += 1) {
      expect(await attempts.post(url, message)).toMatchObject({ kind: 'delivered' })
      await new Promise(setImmediate)
    }
    expect(connections.size).toBe(1)
    server.closeIdleConnections()
    expect(await attempts.post(url, message)).toMatchObject({ kind: 'delivered' })
    attempts.close()
  })
})
