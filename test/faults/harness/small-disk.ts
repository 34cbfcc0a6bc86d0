import { chown, mkdtemp, realpath, rm, statfs, unlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../../../scripts/provision/run-program.ts'
import { unprivilegedOwner } from '../../../scripts/provision/unprivileged-owner.ts'

/** A file system of its own that is soon full. */
export interface SmallDisk {
  readonly folder: string
  /** Takes all room but so much. */
  fill(leftBytes: number): Promise<void>
  /** Gives the room back. */
  empty(): Promise<void>
  unmount(): Promise<void>
}

/** Mounts a small file system that Postgres may write to; undefined where we may not: only root may. */
export async function mountSmallDisk(bytes: number): Promise<SmallDisk | undefined> {
  const owner = await unprivilegedOwner().catch(() => undefined)
  const folder = await mkdtemp(join(await realpath(tmpdir()), 'ledgerflow-disk-'))
  try {
    await runProgram('mount', ['-t', 'tmpfs', '-o', `size=${bytes},mode=755`, 'tmpfs', folder])
    if (owner !== undefined) await chown(folder, owner.uid, owner.gid)
  } catch {
    await rm(folder, { recursive: true, force: true })
    return undefined
  }
  const filler = join(folder, 'filler')
  return {
    folder,
    fill: async (leftBytes) => {
      const { bavail, bsize } = await statfs(folder)
      const rest = Buffer.alloc(Math.max(0, bavail * bsize - leftBytes))
      // Whoever else writes meanwhile may need the last of it.
      await writeFile(filler, rest).catch((error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOSPC') throw error
      })
    },
    empty: () => unlink(filler),
    unmount: async () => {
      await runProgram('umount', ['--lazy', folder])
      await rm(folder, { recursive: true, force: true })
    },
  }
}
