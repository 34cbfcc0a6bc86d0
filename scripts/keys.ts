import { parseArgs } from 'node:util'
import { isGood, newKey, type ApiKey } from '../shared/access/api-key.ts'
import { isRole, roles } from '../shared/access/role.ts'
import { readConfiguration } from '../shared/config.ts'
import { recordOfScript } from './on-the-spot.ts'
import { openAccess, type OpenedAccess } from '../shared/store/open.ts'

const usage = `Makes, lists and ends the API keys of DATABASE_URL, also beside the running service:

  npm run keys -- create --role ROLE [--ledger NAME | --all-ledgers] [--name TEXT] [--expires WHEN]
  npm run keys -- list
  npm run keys -- revoke PREFIX

  --role         ${roles.join(', ')}
  --ledger       the ledger that it belongs to; default: default
  --all-ledgers  it belongs to all; its requests name one in the header Ledger
  --name         what it is for, for people
  --expires      a day (2027-01-31), a time (RFC 3339) or a number of days (90d); default: never

The key is written to standard output, once: nobody can show it again. It is sent as Authorization: Bearer lf_….
A running service takes it at once; one that is revoked is refused within a second.`

const dayMs = 24 * 60 * 60 * 1000
const nameLengthMax = 200

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    role: { type: 'string' },
    ledger: { type: 'string' },
    'all-ledgers': { type: 'boolean', default: false },
    name: { type: 'string' },
    expires: { type: 'string' },
    help: { type: 'boolean', default: false },
  },
})

async function keys(): Promise<number> {
  const [command, prefix, ...more] = positionals
  if (values.help || command === undefined) {
    console.log(usage)
    return values.help ? 0 : 1
  }
  const works =
    more.length === 0 && (command === 'revoke') === (prefix !== undefined) && command in commands
  if (!works) throw new Error(`${positionals.join(' ')} is none of create, list, revoke PREFIX`)
  const access = await openAccess(readConfiguration().DATABASE_URL)
  try {
    return await commands[command as keyof typeof commands](access, prefix ?? '')
  } finally {
    await access.close()
  }
}

const commands = { create, list, revoke }

async function create({ apiKeys, ledgers }: OpenedAccess): Promise<number> {
  const now = Date.now()
  const { role, name = null } = values
  if (!isRole(role)) throw new Error(`--role takes one of ${roles.join(', ')}`)
  if (values.ledger !== undefined && values['all-ledgers']) {
    throw new Error('a key belongs to one ledger (--ledger) or to all (--all-ledgers)')
  }
  if (name !== null && (name === '' || name.length > nameLengthMax || /\p{Cc}/u.test(name))) {
    throw new Error(`--name takes one line of at most ${nameLengthMax} characters`)
  }
  const expiresAt = values.expires === undefined ? null : expiryOf(values.expires, now)
  const ledgerName = values.ledger ?? 'default'
  const ledger = values['all-ledgers'] ? null : await ledgers.named(ledgerName)
  if (ledger === undefined) {
    throw new Error(`there is no ledger ${ledgerName}; an admin makes it: POST /api/v1/ledgers`)
  }
  const made = newKey()
  const wish = { name, role, ledgerId: ledger?.id ?? null, expiresAt }
  const { ledgerId } = wish
  const record = recordOfScript('createKey', { kind: 'key', id: made.prefix, ledgerId })
  const key = await apiKeys.add(made, wish, now, record)
  console.error(sentenceOf(key, ledger?.name, now))
  console.log(made.key)
  return 0
}

async function list({ apiKeys, ledgers }: OpenedAccess): Promise<number> {
  const now = Date.now()
  const names = new Map((await ledgers.list()).map(({ id, name }) => [id, name]))
  for (const key of await apiKeys.list()) {
    console.log(sentenceOf(key, key.ledgerId === null ? undefined : names.get(key.ledgerId), now))
  }
  return 0
}

async function revoke({ apiKeys }: OpenedAccess, prefix: string): Promise<number> {
  const record = ({ ledgerId }: ApiKey) =>
    recordOfScript('revokeKey', { kind: 'key', id: prefix, ledgerId })
  if (!(await apiKeys.revoke(prefix, Date.now(), record))) {
    throw new Error('no key that still stands has this prefix; npm run keys -- list shows them')
  }
  console.log(`${prefix} is revoked: every service refuses it within a second`)
  return 0
}

function sentenceOf(key: ApiKey, ledgerName: string | undefined, now: number): string {
  const { prefix, role, name, createdAt, expiresAt, revokedAt } = key
  const at = (ms: number) => new Date(ms).toISOString()
  const end =
    revokedAt !== null
      ? `revoked ${at(revokedAt)}`
      : expiresAt === null
        ? 'does not expire'
        : `${isGood(key, now) ? 'expires' : 'expired'} ${at(expiresAt)}`
  const where = ledgerName === undefined ? 'all ledgers' : `ledger ${ledgerName}`
  const what = [prefix, role, where, `made ${at(createdAt)}`, end]
  return [...what, ...(name === null ? [] : [name])].join('  ')
}

function expiryOf(text: string, now: number): number {
  const [, days] = /^([1-9][0-9]{0,4})d$/.exec(text) ?? []
  const isTime =
    /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,3})?)?(?:Z|[+-]\d{2}:\d{2}))?$/
  const at =
    days === undefined
      ? isTime.test(text)
        ? Date.parse(text)
        : Number.NaN
      : now + Number(days) * dayMs
  if (!(at > now)) throw new Error('--expires takes a day or time that is to come, or 90d')
  return at
}

try {
  process.exitCode = await keys()
} catch (error) {
  console.error(`keys: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
