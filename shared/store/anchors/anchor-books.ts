import type { Anchor, AnchoredHead } from '../../engine/anchor.ts'
import type { BooksClock } from '../books-clock.ts'
import type { Reader } from '../reader.ts'

/** Books as far as anchoring them goes, on connections of its own. */
export interface AnchorBooks extends Reader, BooksClock {
  /** Writes an anchor with its heads in one short database transaction; false when another has its number already. */
  write(anchor: Anchor, heads: readonly AnchoredHead[]): Promise<boolean>
  close(): Promise<void> | void
}
