import { cp, mkdtemp, readFile, realpath, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const ourSources = fileURLToPath(new URL('../../..', import.meta.url))

/** One change of one source file. The text must be there exactly once. */
export interface Change {
  readonly file: string
  readonly search: string
  readonly replace: string
}

/** A defect put in on purpose: in a copy of the sources, or in the test's database, never in what we ship. */
export interface Mutant {
  readonly name: string
  readonly changes?: readonly Change[]
  readonly sql?: readonly string[]
}

/**
 * Copies the sources, changes the copy and gives its folder, which its caller removes. Rejects when a change does not apply
 * exactly once: a mutant that no longer mutates must not pass for one that was caught.
 */
export async function mutatedSources({ name, changes = [] }: Mutant): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'ledgerflow-mutant-'))
  try {
    for (const part of ['services', 'shared', 'package.json', 'tsconfig.json']) {
      await cp(join(ourSources, part), join(folder, part), { recursive: true })
    }
    await symlink(join(ourSources, 'node_modules'), join(folder, 'node_modules'))
    for (const change of changes) await apply(name, folder, change)
    return folder
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
}

/** Which changes of a mutant do not apply exactly once to the sources as they are. */
export async function misfitsOf({ name, changes = [] }: Mutant): Promise<readonly string[]> {
  const tried = await Promise.allSettled(changes.map((change) => changed(name, ourSources, change)))
  return tried.flatMap((one) => (one.status === 'rejected' ? String(one.reason) : []))
}

async function apply(name: string, folder: string, change: Change): Promise<void> {
  await writeFile(join(folder, change.file), await changed(name, folder, change))
}

/** The text of a file with a change made. */
async function changed(name: string, folder: string, change: Change): Promise<string> {
  const text = await readFile(join(folder, change.file), 'utf8')
  const parts = text.split(change.search)
  if (parts.length !== 2) {
    throw new Error(
      `the mutant “${name}” no longer applies: ${change.file} has ${parts.length - 1} times\n${change.search}`,
    )
  }
  return parts.join(change.replace)
}
