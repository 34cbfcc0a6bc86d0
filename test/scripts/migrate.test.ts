import { createHash } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import { migrations } from '../../shared/store/migrations/index.ts'
import { migrateStore, openStore, undoMigrationsOf } from '../../shared/store/open.ts'
import { createPostgresDatabase, createSqlitePath } from '../support/databases.ts'
import { runScript, sqliteUrl } from './run-script.ts'

const all = migrations.map(({ name }) => `applied ${name}\n`).join('')
const complete = 'the schema is complete\n'
const newest = migrations.map(({ name }) => name).toReversed()

describe('npm run migrate', () => {
  test('on SQLite says what it applied, and the second time that there was nothing to do', async () => {
    const environment = { DATABASE_URL: sqliteUrl(createSqlitePath()) }

    const first = await runScript('migrate', environment)
    expect(first).toEqual({ code: 0, stdout: `${all}the schema is complete now\n`, stderr: '' })
    expect(await runScript('migrate', environment)).toMatchObject({ code: 0, stdout: complete })
  })

  test('on SQLite is refused while a service has the file', async () => {
    const path = createSqlitePath()
    const { store } = await openStore({ dialect: 'sqlite', path })
    try {
      const refused = await runScript('migrate', { DATABASE_URL: sqliteUrl(path) })
      expect(refused.code).toBe(1)
      expect(refused.stderr).toContain('is in use by another LedgerFlow process')
    } finally {
      await store.close()
    }
  })

  test('run by three processes at once on Postgres migrates in one, and the others wait for it', async () => {
    const environment = { DATABASE_URL: await createPostgresDatabase({ empty: true }) }

    const ends = await Promise.all([1, 2, 3].map(() => runScript('migrate', environment)))

    expect(ends.map(({ code, stderr }) => `${code}${stderr}`)).toEqual(['0', '0', '0'])
    expect(ends.map(({ stdout }) => stdout).toSorted()).toEqual(
      [`${all}the schema is complete now\n`, complete, complete].toSorted(),
    )
  })

  test('takes the newest back when it is told how many, and no more than there are', async () => {
    const path = createSqlitePath()
    await (await openStore({ dialect: 'sqlite', path })).store.close()
    const undo = (count: string) =>
      runScript('migrate', { DATABASE_URL: sqliteUrl(path) }, ['--undo', count])

    const one = await undo('1')
    const [all, none] = await Promise.all([undo('99'), undo('0')])

    expect(one).toEqual({ code: 0, stdout: `undone ${newest[0]}\n`, stderr: '' })
    const left = `only ${migrations.length - 1} migrations are applied`
    expect(all).toEqual({ code: 1, stdout: '', stderr: `cannot migrate: ${left}\n` })
    expect(none.stderr).toBe('cannot migrate: --undo takes the number of migrations, such as 1\n')
  })

  test('brings back on Postgres what was taken back, and leaves a newer version’s alone', async () => {
    const url = await createPostgresDatabase()
    const location = { dialect: 'postgres', url } as const

    expect(await undoMigrationsOf(location, 2)).toEqual(newest.slice(0, 2))
    expect((await migrateStore(location)).applied).toEqual(newest.slice(0, 2).toReversed())
    await withClient(url, (client) =>
      client.query(`insert into schema_migrations (timestamp, name) values (999, 'Later999')`),
    )
    await expect(undoMigrationsOf(location, 1)).rejects.toThrow('Later999 is of a newer version')
  })

  test('says that a database does not answer, and no password', async () => {
    const url = 'postgres://alice:canary@127.0.0.1:1/ledger'
    const end = await runScript('migrate', { DATABASE_URL: url })
    expect(end.code).toBe(1)
    expect(end.stderr).toContain(
      'cannot migrate: cannot open the database at 127.0.0.1:1/ledger (DATABASE_URL): ',
    )
    expect(end.stderr + end.stdout).not.toContain('canary')
  })
})

describe('a role that may not create tables', () => {
  let owner: string
  let url: string
  const role = `ledgerflow_test_${createHash('sha256').update(createSqlitePath()).digest('hex').slice(0, 12)}`

  beforeAll(async () => {
    owner = await createPostgresDatabase({ empty: true })
    await withClient(owner, async (client) => {
      await client.query(`create role ${role} login password 'canary'`)
      await client.query('revoke create on schema public from public')
    })
    const asRole = new URL(owner)
    asRole.username = role
    asRole.password = 'canary'
    url = asRole.href
  })

  afterAll(() =>
    withClient(owner, async (client) => {
      await client.query(`drop owned by ${role}`)
      await client.query(`drop role ${role}`)
    }),
  )

  test('is told to have the owner migrate, by the script and by the service', async () => {
    const end = await runScript('migrate', { DATABASE_URL: url })
    expect(end).toMatchObject({ code: 1, stdout: '' })
    expect(end.stderr).toContain('run npm run migrate with the owner role first')

    await expect(openStore({ dialect: 'postgres', url })).rejects.toThrow(
      'this role may not change it',
    )
  })
})
