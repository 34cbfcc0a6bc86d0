import { anchorHash, anchorStart, rootOf, type Anchor } from '../../engine/anchor.ts'
import { anchorsOf, headsOf } from '../anchors/read-anchors.ts'
import type { Statement } from '../reader.ts'
import type { Differences } from './differences.ts'
import type { Pace } from './pace.ts'
import type { VerifyingReader } from './verifying-reader.ts'

/** An anchor as somebody kept it outside of the database. Its hash covers all else. */
export type KeptAnchor = Pick<Anchor, 'ledgerId' | 'number' | 'hash'>

/** A head of an anchor that is not there, through `anchored_heads_pkey`. No lock. */
const headBeyond: Statement = {
  name: 'verify_head_beyond',
  text: `select anchor from anchored_heads where ledger_id = $1 and anchor > $2 order by anchor limit 1`,
}

/**
 * Checks that the anchors of a ledger are chained without a gap, that each has the heads over which it was made, and that those which
 * somebody kept outside are among them. Whether the heads are those of the entries, `verifyAccounts` says. Gives how many there are.
 */
export async function verifyAnchors(
  reader: VerifyingReader,
  ledgerId: number,
  differences: Differences,
  { pace, kept }: { readonly pace: Pace; readonly kept: readonly KeptAnchor[] },
): Promise<number> {
  const missing = new Map(
    kept.flatMap((one) => (one.ledgerId === ledgerId ? [[one.number, one.hash]] : [])),
  )
  let previous = anchorStart(ledgerId)
  let last = 0
  for await (const anchor of anchorsOf(reader, ledgerId)) {
    const tell = (detail: string) => differences.add(ledgerId, `anchor ${anchor.number}`, detail)
    if (anchor.number !== last + 1) tell(`follows anchor ${last}`)
    if (anchor.previous !== previous) tell('has not the hash of the anchor before it')
    const heads = await pace(() => headsOf(reader, anchor))
    if (heads.length !== anchor.heads || rootOf(heads) !== anchor.root) {
      tell('has other heads of accounts than it was made over')
    }
    if (anchorHash(anchor) !== anchor.hash) tell('was changed: its hash is not that of its columns')
    const hash = missing.get(anchor.number)
    if (hash !== undefined && hash !== anchor.hash) tell('is not the one that was kept outside')
    missing.delete(anchor.number)
    previous = anchor.hash
    last = anchor.number
  }
  for (const number of missing.keys()) {
    differences.add(ledgerId, `anchor ${number}`, 'was kept outside and is not there')
  }
  const [beyond] = await reader.rows(headBeyond, [ledgerId, last])
  if (beyond !== undefined) {
    differences.add(ledgerId, `anchor ${String(beyond['anchor'])}`, 'is not there, but heads of it')
  }
  return last
}
