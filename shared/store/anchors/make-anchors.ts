import {
  anchorHash,
  anchorStart,
  rootOf,
  type Anchor,
  type AnchoredHead,
} from '../../engine/anchor.ts'
import { timeMin } from '../../ledger/axis.ts'
import type { Statement } from '../reader.ts'
import { chainHashOf, type Row } from '../rows.ts'
import type { Pace } from '../verify/pace.ts'
import type { AnchorBooks } from './anchor-books.ts'
import { beforeEveryId, newestAnchor } from './read-anchors.ts'

/** How much is done at a time. */
export interface AnchorSizes {
  /** Accounts of one short read. */
  readonly accountsPerRead: number
  /** How many heads an anchor has at the most, but for a read: what one short database transaction writes. */
  readonly headsMax: number
}

/** Some milliseconds a read, some tens of milliseconds a write. */
const usualSizes: AnchorSizes = { accountsPerRead: 2000, headsMax: 10_000 }

/** The last account of a page, through `accounts_pkey`. No lock. */
const pageEnd: Statement = {
  name: 'anchor_page_end',
  text: `select id from accounts where ledger_id = $1 and id > $2 order by id limit 1 offset $3`,
}

const headColumns = `id, version, chain_hash, chain_version`

/** The accounts between two that have moved after a time, through `accounts_pkey`. No lock. */
const movedUpTo: Statement = {
  name: 'anchor_moved_up_to',
  text: `select ${headColumns} from accounts
          where ledger_id = $1 and id > $2 and last_posted_at > $3 and id <= $4 order by id`,
}

/** The same of the last page. */
const movedToTheEnd: Statement = {
  name: 'anchor_moved_to_the_end',
  text: `select ${headColumns} from accounts
          where ledger_id = $1 and id > $2 and last_posted_at > $3 order by id`,
}

/**
 * Anchors all accounts of a ledger that have moved since it was last done: one anchor, or several if they are many. Gives those that it
 * made: none where nothing has moved, or where somebody else makes them at this moment.
 *
 * It reads the accounts in short pieces in the order of their ids, each as it stands by then: their versions have no gaps, so that any
 * later instant will do as well as the one at which it began, and whoever was posting then is waited for. Nothing holds still for it.
 * A round that was broken off is gone on with.
 */
export async function makeAnchors(
  books: AnchorBooks,
  ledgerId: number,
  pace: Pace,
  sizes = usualSizes,
): Promise<Anchor[]> {
  const made: Anchor[] = []
  for (;;) {
    const before = await newestAnchor(books, ledgerId)
    const goesOn = before?.lastAccountId != null
    // A round has one span of time. It ends with an anchor that goes to the last account.
    if (!goesOn && made.length > 0) return made
    const movedAfter = (goesOn ? before.movedAfter : before?.movedUntil) ?? null
    const movedUntil = goesOn ? before.movedUntil : await books.now()
    if (!goesOn) await books.settle(movedUntil)
    const { heads, lastAccountId } = await headsMoved(books, pace, {
      ledgerId,
      movedAfter: movedAfter ?? timeMin,
      after: before?.lastAccountId ?? beforeEveryId,
      sizes,
    })
    if (heads.length === 0 && !goesOn) return made
    const content = {
      ledgerId,
      number: (before?.number ?? 0) + 1,
      createdAt: await books.now(),
      movedAfter,
      movedUntil,
      lastAccountId,
      heads: heads.length,
      root: rootOf(heads),
      previous: before?.hash ?? anchorStart(ledgerId),
    }
    const anchor = { ...content, hash: anchorHash(content) }
    if (!(await books.write(anchor, heads))) return made
    made.push(anchor)
  }
}

/** Reads the heads of accounts that have moved, behind one of them, until there are enough. */
async function headsMoved(
  books: AnchorBooks,
  pace: Pace,
  span: {
    readonly ledgerId: number
    readonly movedAfter: number
    readonly after: string
    readonly sizes: AnchorSizes
  },
): Promise<{ heads: AnchoredHead[]; lastAccountId: string | null }> {
  const { ledgerId, sizes } = span
  const { accountsPerRead, headsMax } = sizes
  const heads: AnchoredHead[] = []
  const movedAfter = books.timeParameter(span.movedAfter)
  for (let { after } = span; ;) {
    const start = after
    const [end] = await pace(() => books.rows(pageEnd, [ledgerId, start, accountsPerRead - 1]))
    const last = (end?.['id'] as string | undefined) ?? null
    const parameters = [ledgerId, start, movedAfter]
    const rows = await pace(() =>
      last === null
        ? books.rows(movedToTheEnd, parameters)
        : books.rows(movedUpTo, [...parameters, last]),
    )
    heads.push(...rows.map(headOf))
    if (last === null || heads.length >= headsMax) return { heads, lastAccountId: last }
    after = last
  }
}

function headOf(row: Row): AnchoredHead {
  return {
    accountId: row['id'] as string,
    version: Number(row['version']),
    hash: chainHashOf(row),
  }
}
