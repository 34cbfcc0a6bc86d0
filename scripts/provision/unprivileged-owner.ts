import { readFile } from 'node:fs/promises'

/** A user of this machine, by number. */
export interface Owner {
  uid: number
  gid: number
}

/**
 * Whom a server runs as that refuses to run as root, as Postgres does: `postgres`, else `nobody`.
 * Undefined when we are not root, since then our own user will do and no other is possible.
 */
export async function unprivilegedOwner(): Promise<Owner | undefined> {
  if (process.getuid?.() !== 0) return undefined
  const users = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => line.split(':'))
  for (const name of ['postgres', 'nobody']) {
    const [, , uid, gid] = users.find(([user]) => user === name) ?? []
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) }
  }
  throw new Error(
    'Postgres does not run as root, and this machine has neither a user postgres nor nobody',
  )
}
