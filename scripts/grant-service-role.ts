import { parseArgs } from 'node:util'
import { readConfiguration } from '../shared/config.ts'
import { recordOfScript } from './on-the-spot.ts'
import { grantRole } from '../shared/store/postgres/grant-role.ts'

const usage = `As the owner (DATABASE_URL), makes the role that the service connects with, or brings it up to date:

  ROLE_PASSWORD=… npm run grant-service-role -- [--role NAME] [--read-only]

  --role NAME   default ledgerflow_service, with --read-only ledgerflow_reader
  --read-only   a role that only reads: for npm run verify and for reports

Without ROLE_PASSWORD a role that is there keeps its password. Run it again after each migration.`

/** Makes the service's role, which owns nothing and so cannot drop the guards. */
async function grantServiceRole(): Promise<number> {
  const { values } = parseArgs({
    options: {
      role: { type: 'string' },
      'read-only': { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  })
  if (values.help) {
    console.log(usage)
    return 0
  }
  const { DATABASE_URL: location, ROLE_PASSWORD: password } = readConfiguration()
  if (location.dialect !== 'postgres') {
    throw new Error('roles are for Postgres: set DATABASE_URL to the URL of the owner')
  }
  const purpose = values['read-only'] ? 'reader' : 'service'
  const name = values.role ?? `ledgerflow_${purpose}`
  const record = recordOfScript('grantRole', { kind: 'role', id: name })
  const wish = { name, purpose, password } as const
  const { created, remaining } = await grantRole(location.url, wish, record)

  const kept = created ? 'it has no password' : 'its password stays'
  console.log(`role ${name} ${created ? 'made' : 'brought up to date'}: ${purpose}`)
  console.log(password === undefined ? `${kept}: ROLE_PASSWORD is not set` : 'its password is set')
  for (const surplus of remaining)
    console.error(`NOT COMPLETE: ${surplus}; PUBLIC or a grant of another owner gives it`)
  return remaining.length === 0 ? 0 : 1
}

try {
  process.exitCode = await grantServiceRole()
} catch (error) {
  console.error(`cannot grant: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
