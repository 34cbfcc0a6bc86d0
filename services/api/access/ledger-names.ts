import type { Ledgers } from '../../../shared/store/ledgers.ts'

/** Names kept in memory. */
const keptMax = 10_000

/** The ledgers by name. A ledger is never renamed and never goes, so that what is known stays right. */
export class LedgerNames {
  readonly #ledgers: Pick<Ledgers, 'named'>
  readonly #known = new Map<string, number>()

  constructor(ledgers: Pick<Ledgers, 'named'>) {
    this.#ledgers = ledgers
  }

  /** The id of a ledger if it was asked for before. */
  known(name: string): number | undefined {
    return this.#known.get(name)
  }

  /** The id of a ledger, or undefined when there is none of this name. One round trip when the name is new here. */
  async idOf(name: string): Promise<number | undefined> {
    const known = this.#known.get(name)
    if (known !== undefined) return known
    const ledger = await this.#ledgers.named(name)
    if (ledger === undefined) return undefined
    if (this.#known.size >= keptMax) this.#known.clear()
    this.#known.set(name, ledger.id)
    return ledger.id
  }
}
