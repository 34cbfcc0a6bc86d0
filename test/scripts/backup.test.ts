import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { createDatabase } from '../../scripts/provision/postgres-database.ts'
import { findPostgresTool } from '../../scripts/provision/postgres-programs.ts'
import { runProgram } from '../../scripts/provision/run-program.ts'
import type { StoreLocation } from '../../shared/store/open.ts'
import type { NewTransactionJson } from '../support/api-client.ts'
import { createPostgresDatabase, createSqlitePath } from '../support/databases.ts'
import { openPeople, payment } from '../support/people.ts'
import { postgres, sqlite, startService, type Service } from '../support/service.ts'
import { until } from '../support/until.ts'
import { runScript, sqliteUrl } from './run-script.ts'

/** The commands by which the runbook makes and restores backups; a test holds it to them. */
const commands = {
  sqliteBackup: (from: string, to: string) =>
    `require('better-sqlite3')('${from}', { readonly: true }).prepare('vacuum into ?').run('${to}')`,
  dump: ['--format=custom'],
  restore: ['--no-owner', '--no-acl', '--exit-on-error', '--single-transaction'],
} as const

/** Backs a database up while it is in use, and restores it somewhere else; gives where. */
type Backup = (location: StoreLocation) => Promise<StoreLocation>

const sqliteBackup: Backup = async (location) => {
  const path = createSqlitePath()
  const from = location.dialect === 'sqlite' ? location.path : ''
  await runProgram(process.execPath, ['-e', commands.sqliteBackup(from, path)])
  return { dialect: 'sqlite', path }
}

const postgresBackup: Backup = async (location) => {
  const from = location.dialect === 'postgres' ? location.url : ''
  const [dump, restore] = [await findPostgresTool('pg_dump'), await findPostgresTool('pg_restore')]
  if (dump === undefined || restore === undefined) return serversOwnCopy(from)
  const file = `${createSqlitePath()}.dump`
  await runProgram(dump, [...commands.dump, `--file=${file}`, `--dbname=${from}`])
  const url = await createPostgresDatabase({ empty: true })
  await runProgram(restore, [...commands.restore, `--dbname=${url}`, file])
  return { dialect: 'postgres', url }
}

/** Where the machine has a server without its tools: the files of the database, as the server copies them when nobody is in it. */
async function serversOwnCopy(from: string): Promise<StoreLocation> {
  const name = new URL(from).pathname.slice(1)
  const copy = `${inject('runName')}_copy_${randomUUID().slice(0, 8)}`
  return { dialect: 'postgres', url: await createDatabase(inject('postgresUrl'), copy, name) }
}

describe.each([
  ['sqlite', () => Promise.resolve(sqlite()), sqliteBackup],
  ['postgres', postgres, postgresBackup],
] as const)('a backup of %s that is restored', (_, locate, backUp) => {
  let restored: Service
  let restoredAt: StoreLocation
  let posted: { id: string; request: NewTransactionJson }[]
  let queued: string[]
  let held: string
  beforeAll(async () => {
    const service = await startService(await locate())
    const { cash, alice, bob } = await openPeople(service.api)
    const pay = (amount = '1.00') =>
      payment({ debit: cash, credit: alice, amount, idempotency_key: randomUUID() })
    const hold = await service.api.postTransaction({
      ...payment({ debit: cash, credit: bob, amount: '5.00' }),
      hold: { expires_in: 3600 },
    })
    held = hold.body.id
    posted = []
    for (const request of Array.from({ length: 20 }, () => pay())) {
      posted.push({ id: (await service.api.postTransaction(request)).body.id, request })
    }
    await service.stopWorker()
    queued = []
    for (const request of Array.from({ length: 5 }, () => pay('2.00'))) {
      queued.push((await service.api.queueTransaction(request)).body.id)
    }
    let isOver = false
    const meanwhile = (async () => {
      while (!isOver) await service.api.postTransaction(pay())
    })()
    const hasTools = (await findPostgresTool('pg_dump')) !== undefined
    const isLive = service.location.dialect === 'sqlite' || hasTools
    if (isLive) restoredAt = await backUp(service.location)
    isOver = true
    await meanwhile
    await service.startWorker()
    await service.close()
    restoredAt ??= await backUp(service.location)
  })
  afterAll(() => restored.close())

  it('has right books', async () => {
    const url = restoredAt.dialect === 'sqlite' ? sqliteUrl(restoredAt.path) : restoredAt.url
    const end = await runScript('verify', { DATABASE_URL: url })

    expect(end).toMatchObject({ code: 0, stderr: '' })
    expect(end.stdout).toContain('clean: no difference')
  })

  it('is served: what was acknowledged before is there, under its keys, and what was queued is posted', async () => {
    restored = await startService(restoredAt)
    for (const { id, request } of posted) {
      const again = await restored.api.postTransaction(request)
      expect([again.body.id, again.body.status, again.replayed]).toEqual([id, 'posted', true])
    }
    expect((await restored.api.transaction(held)).body.status).toBe('held')
    for (const id of queued) {
      await until('what was queued is posted', async () => {
        const { status } = (await restored.api.transaction(id)).body
        return status === 'posted'
      })
    }
  })

  it('takes new payments, and is guarded as before', async () => {
    const { cash, alice } = await openPeople(restored.api)
    const answer = await restored.api.postTransaction(
      payment({ debit: cash, credit: alice, amount: '3.00' }),
    )

    expect(answer.status).toBe(201)
    expect((await restored.api.balance(alice)).body.balance).toBe('3.00')
  })
})

it('the runbook has the commands that are tried here', async () => {
  const runbook = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')

  expect(runbook).toContain(commands.sqliteBackup('data/ledgerflow.db', 'backup.db'))
  expect(runbook).toContain(`pg_dump ${commands.dump.join(' ')} `)
  expect(runbook).toContain(`pg_restore ${commands.restore.join(' ')} `)
})
