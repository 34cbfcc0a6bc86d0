import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  base64url,
  exportJWK,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWTPayload,
} from 'jose'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TokenRules } from '../../services/api/access/tokens.ts'
import { showing } from '../support/keys.ts'
import { sqlite, startService, type Service } from '../support/service.ts'

const issuer = 'https://id.example'
const audience = 'ledgerflow'
const secrets = ['the-secret-in-use-of-32-characters', 'the-secret-before-of-32-characters']
const good = { role: 'viewer', ledger: 'default' }

type Signer = { alg: string; kid?: string; key: Uint8Array | CryptoKey }
const inUse: Signer = { alg: 'HS256', key: bytes(secrets[0]) }
const before: Signer = { alg: 'HS256', key: bytes(secrets[1]) }

let service: Service
let folder: string
let rsa: Signer
let rsaToo: Signer
let ec: Signer
let stranger: Signer
let publicKeyAsSecret: Uint8Array
let rules: TokenRules

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ledgerflow-tokens-'))
  const pairs = await Promise.all(
    ['RS256', 'RS256', 'ES256', 'ES256'].map((alg) => generateKeyPair(alg, { extractable: true })),
  )
  const signers = pairs.map(({ privateKey }, index) => ({
    alg: index < 2 ? 'RS256' : 'ES256',
    kid: `key-${index}`,
    key: privateKey,
  }))
  ;[rsa, rsaToo, ec, stranger] = signers as [Signer, Signer, Signer, Signer]
  const published = await Promise.all(
    pairs.slice(0, 3).map(async ({ publicKey }, index) => ({
      ...(await exportJWK(publicKey)),
      kid: `key-${index}`,
      alg: signers[index]?.alg,
    })),
  )
  publicKeyAsSecret = bytes(JSON.stringify(published[0]))
  const jwks = join(folder, 'keys.json')
  await writeFile(jwks, JSON.stringify({ keys: published }))
  rules = { issuer, audience, maxAgeS: 3600, secrets, jwks }
  service = await startService(sqlite(), { access: { asking: 'when_configured', tokens: rules } })
  await service.store.ledgers.open('other', Date.now())
})
afterAll(async () => {
  await service.close()
  await rm(folder, { recursive: true })
})

describe('a token', () => {
  test('that is configured closes the service', async () => {
    expect(await statusWith(undefined)).toBe(401)
  })

  test.each([
    ['the secret in use', () => inUse],
    ['the secret before', () => before],
    ['RS256', () => rsa],
    ['the other RS256 key', () => rsaToo],
    ['ES256', () => ec],
  ])('of %s is taken, and taken again', async (_, signer) => {
    const token = await sign(signer())

    expect(await statusWith(token)).toBe(200)
    expect(await statusWith(token)).toBe(200)
  })

  test('opens what its role opens, in its ledger', async () => {
    const viewer = await sign(inUse)
    const other = await sign(inUse, { role: 'admin', ledger: 'other' })
    const all = await sign(inUse, { role: 'admin', ledger: '*' })
    const ask = (token: string, ledger: string) =>
      fetch(`${service.url}/api/v1/ledgers`, { headers: { ...showing(token), ledger } })

    expect((await ask(viewer, 'default')).status).toBe(403)
    expect((await ask(other, 'default')).status).toBe(400)
    expect((await ask(other, 'other')).status).toBe(200)
    expect((await ask(all, 'other')).status).toBe(200)
  })

  const now = () => Math.floor(Date.now() / 1000)
  const claims = (more: object) => ({
    iss: issuer,
    aud: audience,
    sub: 'shop',
    iat: now(),
    exp: now() + 60,
    ...good,
    ...more,
  })

  test.each<[string, () => Promise<string>]>([
    ['without a signature', () => unsigned(claims({}))],
    ['of a stranger', () => signAs(stranger, claims({}))],
    [
      'of a stranger with the name of our key',
      () => signAs({ ...stranger, kid: 'key-2' }, claims({})),
    ],
    ['of another secret', () => signAs({ alg: 'HS256', key: bytes('x'.repeat(40)) }, claims({}))],
    [
      'of HS256 with a public key',
      () => signAs({ alg: 'HS256', kid: 'key-0', key: publicKeyAsSecret }, claims({})),
    ],
    ['of HS512', () => signAs({ ...inUse, alg: 'HS512' }, claims({}))],
    [
      'whose claims were changed',
      async () => changed(await signAs(inUse, claims({})), claims({ role: 'admin' })),
    ],
    ['that names no key of several', () => signAs({ alg: 'RS256', key: rsa.key }, claims({}))],
    ['without exp', () => signAs(inUse, claims({ exp: undefined }))],
    ['without iat', () => signAs(inUse, claims({ iat: undefined }))],
    ['without iss', () => signAs(inUse, claims({ iss: undefined }))],
    ['without aud', () => signAs(inUse, claims({ aud: undefined }))],
    ['without sub', () => signAs(inUse, claims({ sub: undefined }))],
    ['of a subject of two lines', () => signAs(inUse, claims({ sub: 'the\nshop' }))],
    ['of an endless subject', () => signAs(inUse, claims({ sub: 'x'.repeat(201) }))],
    ['without role', () => signAs(inUse, claims({ role: undefined }))],
    ['without ledger', () => signAs(inUse, claims({ ledger: undefined }))],
    ['of a role that there is not', () => signAs(inUse, claims({ role: 'root' }))],
    ['of a ledger that there is not', () => signAs(inUse, claims({ ledger: 'nobodys' }))],
    ['of another issuer', () => signAs(inUse, claims({ iss: 'https://id.example.org' }))],
    ['for another audience', () => signAs(inUse, claims({ aud: ['other'] }))],
    ['that is over', () => signAs(inUse, claims({ exp: now() - 10 }))],
    ['that is not yet good', () => signAs(inUse, claims({ nbf: now() + 60 }))],
    ['that was issued later', () => signAs(inUse, claims({ iat: now() + 60 }))],
    [
      'that was issued too long ago, whatever it says of its end',
      () => signAs(inUse, claims({ iat: now() - 3700 })),
    ],
    ['that is cut', async () => (await signAs(inUse, claims({}))).slice(0, -4)],
    ['that is no token', async () => 'a.b.c'],
  ])('%s is refused', async (_, token) => {
    expect(await statusWith(await token())).toBe(401)
  })

  test('like those above with nothing wrong is taken', async () => {
    expect(await statusWith(await signAs(inUse, claims({})))).toBe(200)
    expect(await statusWith(await signAs(ec, claims({ aud: ['other', audience] })))).toBe(200)
  })
})

describe('keys at an address', () => {
  let issuing: Server
  let answer: { status: number; body: string }
  let remote: Service

  beforeAll(async () => {
    answer = { status: 503, body: '' }
    issuing = createServer((_request, response) => {
      response.writeHead(answer.status, { 'content-type': 'application/json' }).end(answer.body)
    }).listen(0, '127.0.0.1')
    await once(issuing, 'listening')
    const jwks = `http://127.0.0.1:${(issuing.address() as AddressInfo).port}/keys`
    const tokens = { ...rules, secrets: [], jwks }
    remote = await startService(sqlite(), { access: { asking: 'when_configured', tokens } })
  })
  afterAll(async () => {
    await remote.close()
    issuing.close()
  })

  test('that cannot be fetched are a 503, and no fault of the token', async () => {
    const response = await fetch(`${remote.url}/api/v1/accounts`, {
      headers: showing(await sign(ec)),
    })

    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('5')
    expect(await response.json()).toMatchObject({ code: 'token_keys_unavailable', retryable: true })
  })

  test('are fetched when they are needed, and a secret is none of them', async () => {
    const keys = [{ ...(await publicOf(ec)), kid: 'key-2', alg: 'ES256' }]
    answer = { status: 200, body: JSON.stringify({ keys }) }

    expect(await statusWith(await sign(ec), remote)).toBe(200)
    expect(await statusWith(await sign(inUse), remote)).toBe(401)
  })
})

function bytes(text = ''): Uint8Array {
  return new TextEncoder().encode(text)
}

function sign(signer: Signer, claims: JWTPayload = {}): Promise<string> {
  const iat = Math.floor(Date.now() / 1000)
  const usual = { iss: issuer, aud: audience, sub: 'shop', iat, exp: iat + 60, ...good }
  return signAs(signer, { ...usual, ...claims })
}

function signAs({ alg, kid, key }: Signer, claims: object): Promise<string> {
  const header = kid === undefined ? { alg } : { alg, kid }
  return new SignJWT(claims as JWTPayload).setProtectedHeader(header).sign(key)
}

async function unsigned(claims: object): Promise<string> {
  const part = (value: object) => base64url.encode(JSON.stringify(value))
  return `${part({ alg: 'none' })}.${part(claims)}.`
}

function changed(token: string, claims: object): string {
  const [header, , signature] = token.split('.')
  return [header, base64url.encode(JSON.stringify(claims)), signature].join('.')
}

async function publicOf({ key }: Signer): Promise<object> {
  const { kty, crv, x, y } = await exportJWK(key)
  return { kty, crv, x, y }
}

async function statusWith(token: string | undefined, at = service): Promise<number> {
  const headers = token === undefined ? {} : showing(token)
  const response = await fetch(`${at.url}/api/v1/accounts?limit=1`, { headers })
  await response.text()
  return response.status
}
