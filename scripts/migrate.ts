import { readConfiguration } from '../shared/config.ts'
import { migrateStore } from '../shared/store/open.ts'

/** Brings the schema of DATABASE_URL up to this version and says what it did. */
async function migrateNow(): Promise<void> {
  const { applied } = await migrateStore(readConfiguration().DATABASE_URL)
  for (const name of applied) console.log(`applied ${name}`)
  console.log(applied.length === 0 ? 'the schema is complete' : 'the schema is complete now')
}

try {
  await migrateNow()
} catch (error) {
  console.error(`cannot migrate: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
