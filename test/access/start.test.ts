import { describe, expect, test } from 'vitest'
import { whereToListen } from '../../services/api/access/start-rule.ts'
import { ServiceProcess } from '../crash/service-process.ts'
import { openAccess } from '../../shared/store/open.ts'
import { runProgram } from '../scripts/run-script.ts'
import { createSqlitePath } from '../support/databases.ts'
import { makeKey, showing } from '../support/keys.ts'

const none = { isAnyCredential: false }
const some = { isAnyCredential: true }

describe('where the API listens', () => {
  test.each(['127.0.0.1', '127.1.2.3', '::1', 'localhost'])('%s is this machine', (HOST) => {
    const { host, advice } = whereToListen({ HOST }, none)

    expect(host).toBe(HOST)
    expect(advice).toContain('no credential is configured')
  })

  test.each(['0.0.0.0', '::', '10.0.0.7', '127.0.0.1.example.com'])(
    '%s is not, and without a credential it listens on this machine only',
    (HOST) => {
      const { host, advice } = whereToListen({ HOST }, none)

      expect(host).toBe('127.0.0.1')
      expect(advice).toContain(`HOST=${HOST} counts once there is a key`)
      expect(whereToListen({ HOST }, some)).toEqual({ host: HOST })
    },
  )

  test('production does not start open, except on the word of somebody', () => {
    const production = { HOST: '0.0.0.0', NODE_ENV: 'production' }

    expect(() => whereToListen(production, none)).toThrow('production does not start open')
    expect(() => whereToListen({ ...production, HOST: '127.0.0.1' }, none)).toThrow('open')
    expect(whereToListen(production, some)).toEqual({ host: '0.0.0.0' })
    expect(whereToListen({ ...production, AUTH: 'none' }, none)).toMatchObject({
      host: '0.0.0.0',
      advice: expect.stringContaining('whoever reaches this service') as string,
    })
    expect(whereToListen({ ...production, AUTH: 'required' }, none)).toMatchObject({
      host: '0.0.0.0',
      advice: expect.stringContaining('nobody is let in') as string,
    })
  })
})

describe('npm start', () => {
  test('refuses to start open in production', async () => {
    const environment = { DATABASE_URL: `sqlite:${createSqlitePath()}`, PORT: '0' }
    const end = await runProgram('services/main.ts', { ...environment, NODE_ENV: 'production' })

    expect(end).toMatchObject({ code: 1 })
    expect(end.stderr).toContain('cannot start: no credential is configured')
  })

  test('starts in production with a key, and asks for it', async () => {
    const location = { dialect: 'sqlite', path: createSqlitePath() } as const
    const access = await openAccess(location)
    const key = await makeKey(access, 'viewer')
    await access.close()
    const service = await ServiceProcess.start(location, { NODE_ENV: 'production' })
    try {
      expect(await statusAt(service.url)).toBe(401)
      expect(await statusAt(service.url, key)).toBe(200)
    } finally {
      await service.clear()
    }
  })

  test('listens on this machine only while there is no credential, and says so', async () => {
    const location = { dialect: 'sqlite', path: createSqlitePath() } as const
    const service = await ServiceProcess.start(location, { HOST: '0.0.0.0' })
    try {
      expect(service.url).toContain('127.0.0.1')
      expect(service.log.join('\n')).toContain('everybody on this machine may do everything')
      expect(await statusAt(service.url)).toBe(200)
    } finally {
      await service.clear()
    }
  })
})

async function statusAt(url: string, key?: string): Promise<number> {
  const response = await fetch(`${url}/api/v1/accounts`, {
    headers: key === undefined ? {} : showing(key),
  })
  await response.text()
  return response.status
}
