import { readFile } from 'node:fs/promises'
import { Webhook } from 'standardwebhooks'
import { describe, expect, test } from 'vitest'
import { verifyWebhook } from '../../scripts/receiver/verify-webhook.ts'
import { SecretBox } from '../../shared/webhooks/secret-box.ts'
import { newSecret, secretText, signedHeaders } from '../../shared/webhooks/signature.ts'

const old = newSecret()
const current = newSecret()
const body = '{"id":"evt_1","type":"transaction.posted","data":{"reference":"Zoë ✓"}}'
const bytes = Buffer.from(body)

function signed(secrets: readonly Buffer[], at = Date.now()) {
  return signedHeaders(secrets, { id: 'evt_1', at, body })
}

/** The two verifiers that a receiver may use: the one that Standard Webhooks publishes, and ours. */
const verifiers = [
  {
    name: 'the published one',
    verify: (secret: Buffer, headers: Readonly<Record<string, string>>, content: Buffer) =>
      new Webhook(secretText(secret)).verify(content.toString(), headers),
  },
  {
    name: 'the one of the documentation',
    verify: (secret: Buffer, headers: Readonly<Record<string, string>>, content: Buffer) =>
      verifyWebhook(secretText(secret), headers, content),
  },
]

describe.each(verifiers)('a delivery, verified by $name', ({ verify }) => {
  test('is genuine under its secret', () => {
    expect(verify(current, signed([current]), bytes)).toEqual(JSON.parse(body))
  })

  test('is genuine under the old secret and the new one while one takes the place of the other', () => {
    const headers = signed([current, old])
    expect(verify(old, headers, bytes)).toEqual(JSON.parse(body))
    expect(verify(current, headers, bytes)).toEqual(JSON.parse(body))
  })

  test('is refused under another secret, with another body, id or time, and when it is old', () => {
    const headers = signed([current])
    const minutes = 60 * 1000
    const late = signed([current], Date.now() - 6 * minutes)
    const wrong = [
      () => verify(old, headers, bytes),
      () => verify(current, headers, Buffer.from(body.replace('posted', 'failed'))),
      () => verify(current, { ...headers, 'webhook-id': 'evt_2' }, bytes),
      () =>
        verify(
          current,
          { ...headers, 'webhook-timestamp': late['webhook-timestamp'] ?? '' },
          bytes,
        ),
      () => verify(current, late, bytes),
      () => verify(current, { ...headers, 'webhook-signature': '' }, bytes),
      () => verify(current, {}, bytes),
    ]
    for (const verifyWrong of wrong) expect(verifyWrong).toThrow(/./)
    expect(verify(current, signed([current], Date.now() - 4 * minutes), bytes)).toBeDefined()
  })
})

test('docs/webhooks.md shows the code that the listener verifies with, as it stands', async () => {
  const [code, page] = await Promise.all(
    ['scripts/receiver/verify-webhook.ts', 'docs/webhooks.md'].map((file) =>
      readFile(new URL(`../../${file}`, import.meta.url), 'utf8'),
    ),
  )
  expect(page).toContain('```ts\n' + code + '```')
})

describe('the secrets of endpoints', () => {
  const [key, other] = [Buffer.alloc(32, 1), Buffer.alloc(32, 2)]
  const endpoint = '0198c0de-7a11-7000-8000-0000000e4d01'

  test('are sealed with a key, and opened by it and by nobody else', () => {
    const kept = new SecretBox([key]).seal(current, endpoint)

    expect(kept).not.toContain(current.toString('base64'))
    expect(new SecretBox([key]).open(kept, endpoint)).toEqual(current)
    expect(new SecretBox([other, key]).open(kept, endpoint)).toEqual(current)
    expect(() => new SecretBox([other]).open(kept, endpoint)).toThrow('WEBHOOK_SECRET_KEY')
    expect(() => new SecretBox([]).open(kept, endpoint)).toThrow('WEBHOOK_SECRET_KEY')
  })

  test('are of no use for another endpoint, or with a bit changed', () => {
    const box = new SecretBox([key])
    const kept = box.seal(current, endpoint)
    const changed = kept.replace(/.(?==*$)/, (last) => (last === 'A' ? 'B' : 'A'))

    expect(() => box.open(kept, endpoint.replace('1', '2'))).toThrow('WEBHOOK_SECRET_KEY')
    expect(() => box.open(changed, endpoint)).toThrow('WEBHOOK_SECRET_KEY')
  })

  test('are kept as they are without a key, and stay readable when there is one', () => {
    const kept = new SecretBox([]).seal(current, endpoint)
    expect(new SecretBox([key]).open(kept, endpoint)).toEqual(current)
  })
})
