import type { ColumnKinds } from '../dialect.ts'
import { schema } from './entity-schema.ts'

/** A seal over the heads of accounts (`Anchor`); never changed, never removed. */
export interface AnchorRow {
  ledgerId: number
  number: number
  createdAt: number
  movedAfter: number | null
  movedUntil: number
  lastAccountId: string | null
  heads: number
  root: Buffer
  previous: Buffer
  hash: Buffer
}

/** Where an account stood when it was anchored; never changed, never removed. */
export interface AnchoredHeadRow {
  ledgerId: number
  anchor: number
  accountId: string
  accountVersion: number
  hash: Buffer | null
}

/** The anchors, and the heads that they are over. */
export function anchorEntities(kinds: ColumnKinds) {
  const ledgerId = { type: 'integer', name: 'ledger_id', primary: true } as const
  return {
    anchors: schema<AnchorRow>({
      name: 'anchors',
      columns: {
        ledgerId,
        number: { type: 'integer', primary: true },
        createdAt: { ...kinds.time, name: 'created_at' },
        movedAfter: { ...kinds.time, name: 'moved_after', nullable: true },
        movedUntil: { ...kinds.time, name: 'moved_until' },
        lastAccountId: { ...kinds.id, name: 'last_account_id', nullable: true },
        heads: { type: 'integer' },
        root: kinds.bytes,
        previous: kinds.bytes,
        hash: kinds.bytes,
      },
    }),
    anchoredHeads: schema<AnchoredHeadRow>({
      name: 'anchored_heads',
      columns: {
        ledgerId,
        anchor: { type: 'integer', primary: true },
        accountId: { ...kinds.id, name: 'account_id', primary: true },
        accountVersion: { ...kinds.count, name: 'account_version' },
        hash: { ...kinds.bytes, nullable: true },
      },
      indices: [{ name: 'anchored_heads_account', columns: ['ledgerId', 'accountId', 'anchor'] }],
    }),
  }
}
