import { chown, mkdtemp, realpath } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Owner } from './unprivileged-owner.ts'

/**
 * A new, empty folder that only `owner` (else: we) may enter. Its path is free of symbolic links,
 * so that a server which tells its own folder can be compared with it. Whoever asks for it removes
 * it; see `watchdog.ts`.
 */
export async function throwAwayFolder(owner?: Owner): Promise<string> {
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'ledgerflow-'))
  if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
  return folder
}
