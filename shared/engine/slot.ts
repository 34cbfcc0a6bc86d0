import { crc32 } from 'node:zlib'

/** How many slots order the queued work of a ledger. For ever: the slot is stored with each transaction. */
export const slotCount = 256

/** One slot of one ledger: what is queued in it is posted in the order of its sequence numbers. */
export interface LedgerSlot {
  readonly ledgerId: number
  readonly slot: number
}

/** The slot that an ordering key has for ever. */
export function slotOf(orderingKey: string): number {
  return crc32(orderingKey) % slotCount
}
