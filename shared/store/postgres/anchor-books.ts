import type { Anchor, AnchoredHead } from '../../engine/anchor.ts'
import type { AnchorBooks } from '../anchors/anchor-books.ts'
import { applyOn } from './apply.ts'
import { plainArray } from './array-text.ts'
import { PostingConnection } from './posting-connection.ts'
import { PostgresReader } from './reader.ts'
import { readClock, settle } from './settle.ts'
import { storeFailureOf } from './sqlstate.ts'

/** Probes `anchors_pkey`: of two that make the same anchor one does, with its heads, and the other nothing. */
const writeAnchor = {
  name: 'write_anchor',
  text: `with sealed as (
           insert into anchors
             (ledger_id, number, created_at, moved_after, moved_until, last_account_id, heads, root,
              previous, hash)
           values ($1, $2, $3, $4, $5, $6, $7, decode($8, 'hex'), decode($9, 'hex'), decode($10, 'hex'))
           on conflict do nothing
           returning ledger_id, number
         ), headed as (
           insert into anchored_heads (ledger_id, anchor, account_id, account_version, hash)
           select sealed.ledger_id, sealed.number, h.account_id, h.account_version, decode(h.hash, 'hex')
             from sealed
            cross join unnest($11::uuid[], $12::bigint[], $13::text[]) as h (account_id, account_version, hash)
         )
         select number from sealed`,
}

/** Anchors on Postgres. Connects when it is first used. */
export class PostgresAnchorBooks extends PostgresReader implements AnchorBooks {
  readonly #url: string

  constructor(url: string) {
    super(url, { applicationName: 'ledgerflow-anchors' })
    this.#url = url
  }

  now(): Promise<number> {
    return readClock(this)
  }

  settle(at: number): Promise<void> {
    return settle(this, at)
  }

  async write(anchor: Anchor, heads: readonly AnchoredHead[]): Promise<boolean> {
    const time = (ms: number | null) => (ms === null ? null : this.timeParameter(ms))
    const parameters = [
      anchor.ledgerId,
      anchor.number,
      time(anchor.createdAt),
      time(anchor.movedAfter),
      time(anchor.movedUntil),
      anchor.lastAccountId,
      anchor.heads,
      anchor.root,
      anchor.previous,
      anchor.hash,
      plainArray(heads, (head) => head.accountId),
      plainArray(heads, (head) => head.version),
      plainArray(heads, (head) => head.hash),
    ]
    const connection = await PostingConnection.open(this.#url).catch((error: unknown) => {
      throw storeFailureOf(error, 'before_commit')
    })
    try {
      const written = await applyOn(connection, [{ statement: writeAnchor, parameters }])
      return written !== undefined
    } finally {
      connection.close()
    }
  }
}
