import type { Anchor, AnchoredHead } from '../../engine/anchor.ts'
import type { Reader, Statement } from '../reader.ts'
import { hex, time, type Row } from '../rows.ts'

/** Rows of one short read. */
const anchorsPerRead = 500
const headsPerRead = 5000

/** The newest anchor of a ledger, through `anchors_pkey` backwards. No lock. */
const newest: Statement = {
  name: 'newest_anchor',
  text: `select * from anchors where ledger_id = $1 order by number desc limit 1`,
}

/** Anchors in their order, through `anchors_pkey`. No lock. */
const anchorPage: Statement = {
  name: 'anchor_page',
  text: `select * from anchors where ledger_id = $1 and number > $2 order by number limit $3`,
}

/** The heads of one anchor in the order of the accounts' ids, through `anchored_heads_pkey`. No lock. */
const headPage: Statement = {
  name: 'head_page',
  text: `select account_id, account_version, hash from anchored_heads
          where ledger_id = $1 and anchor = $2 and account_id > $3
          order by account_id limit $4`,
}

export const beforeEveryId = '00000000-0000-0000-0000-000000000000'

/** The newest anchor of a ledger, or undefined. One round trip. */
export async function newestAnchor(reader: Reader, ledgerId: number): Promise<Anchor | undefined> {
  const [row] = await reader.rows(newest, [ledgerId])
  return row === undefined ? undefined : anchorOf(row)
}

/** All anchors of a ledger, oldest first, page by page. */
export async function* anchorsOf(reader: Reader, ledgerId: number): AsyncGenerator<Anchor> {
  for (let after = 0; ;) {
    const rows = await reader.rows(anchorPage, [ledgerId, after, anchorsPerRead])
    yield* rows.map(anchorOf)
    if (rows.length < anchorsPerRead) return
    after = Number(rows.at(-1)?.['number'])
  }
}

/** All heads of an anchor in the order of the accounts' ids. */
export async function headsOf(
  reader: Reader,
  { ledgerId, number }: Pick<Anchor, 'ledgerId' | 'number'>,
): Promise<AnchoredHead[]> {
  const heads: AnchoredHead[] = []
  for (let after = beforeEveryId; ;) {
    const rows = await reader.rows(headPage, [ledgerId, number, after, headsPerRead])
    heads.push(...rows.map(headOf))
    if (rows.length < headsPerRead) return heads
    after = rows.at(-1)?.['account_id'] as string
  }
}

function headOf(row: Row): AnchoredHead {
  return {
    accountId: row['account_id'] as string,
    version: Number(row['account_version']),
    hash: hex(row['hash']),
  }
}

function anchorOf(row: Row): Anchor {
  return {
    ledgerId: row['ledger_id'] as number,
    number: Number(row['number']),
    createdAt: time(row['created_at']) ?? 0,
    movedAfter: time(row['moved_after']),
    movedUntil: time(row['moved_until']) ?? 0,
    lastAccountId: row['last_account_id'] as string | null,
    heads: Number(row['heads']),
    root: hex(row['root']) ?? '',
    previous: hex(row['previous']) ?? '',
    hash: hex(row['hash']) ?? '',
  }
}
