import { parseArgs } from 'node:util'
import { readConfiguration } from '../shared/config.ts'
import { migrateStore, undoMigrationsOf } from '../shared/store/open.ts'

const { values } = parseArgs({ options: { undo: { type: 'string' } } })

/**
 * Brings the schema of DATABASE_URL up to this version and says what it did. With `--undo N` it takes the newest N migrations
 * back, and with them what is in their tables and columns: for a version before this one, after a backup.
 */
async function migrateNow(): Promise<void> {
  const { applied } = await migrateStore(readConfiguration().DATABASE_URL)
  for (const name of applied) console.log(`applied ${name}`)
  console.log(applied.length === 0 ? 'the schema is complete' : 'the schema is complete now')
}

async function undo(text: string): Promise<void> {
  if (!/^[1-9]\d?$/.test(text)) throw new Error('--undo takes the number of migrations, such as 1')
  const undone = await undoMigrationsOf(readConfiguration().DATABASE_URL, Number(text))
  for (const name of undone) console.log(`undone ${name}`)
}

try {
  await (values.undo === undefined ? migrateNow() : undo(values.undo))
} catch (error) {
  console.error(`cannot migrate: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = 1
}
