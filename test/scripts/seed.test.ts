import { afterAll, beforeAll, expect, test } from 'vitest'
import { startService, sqlite, type Service } from '../support/service.ts'
import { runScript } from './run-script.ts'

let service: Service
beforeAll(async () => {
  service = await startService(sqlite())
})
afterAll(() => service.close())

test('npm run seed makes a funded wallet and a settlement account, and finds them when it is run again', async () => {
  const first = await runScript('seed', { BASE_URL: service.url })
  expect(first).toMatchObject({ code: 0, stderr: '' })
  const { WALLET_ACCOUNT_ID: wallet, SETTLEMENT_ACCOUNT_ID: settlement } = variables(first.stdout)

  const walletJson = (await service.api.account(wallet ?? '')).body
  const settlementJson = (await service.api.account(settlement ?? '')).body
  expect(walletJson).toMatchObject({
    account_type: 'liability',
    min_available: '0.00',
    balance: '1000000000.00',
  })
  expect(settlementJson).toMatchObject({ account_type: 'asset', min_available: null })

  const more = await runScript('seed', { BASE_URL: service.url }, ['--wallets', '3'])
  const found = variables(more.stdout)
  expect(found).toMatchObject({ WALLET_ACCOUNT_ID: wallet, SETTLEMENT_ACCOUNT_ID: settlement })
  const wallets = found['WALLET_ACCOUNT_IDS']?.split(',') ?? []
  expect(new Set(wallets).size).toBe(3)

  const again = await runScript('seed', { BASE_URL: service.url }, ['--wallets', '3'])
  expect(again.stdout).toBe(more.stdout)
  for (const id of [wallet ?? '', ...wallets]) {
    expect((await service.api.account(id)).body.balance).toBe('1000000000.00')
  }
})

test('npm run seed says that the API does not answer', async () => {
  const end = await runScript('seed', { BASE_URL: 'http://127.0.0.1:1' })
  expect(end).toMatchObject({ code: 1, stdout: '' })
  expect(end.stderr).toContain('the API at http://127.0.0.1:1 does not answer')
})

/** What a shell would have after `eval`. */
function variables(stdout: string): Record<string, string> {
  const lines = stdout.trimEnd().split('\n')
  return Object.fromEntries(lines.map((line) => line.split('=') as [string, string]))
}
