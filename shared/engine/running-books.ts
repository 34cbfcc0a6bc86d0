import type { LockedAccount } from '../ledger/account.ts'
import type { RunningAccounts } from '../ledger/decide.ts'
import type { Books } from '../ledger/end-hold.ts'
import type { RunningTargets, Target } from '../ledger/target.ts'
import { timeOfBatch } from './batch-time.ts'
import { targetOf, withTarget } from './target-of.ts'
import type { TransactionRecord } from './transaction-record.ts'

/** What a store found for a batch. */
interface Found {
  readonly now: number
  readonly accounts: ReadonlyMap<string, LockedAccount>
  readonly targets: readonly TransactionRecord[]
}

/** The books as they stood at some point of a batch. */
export interface BooksMark {
  readonly accounts: RunningAccounts
  readonly targets: RunningTargets
}

/** The books of one batch while its members are decided, one after the other. */
export class RunningBooks implements Books {
  readonly accounts: RunningAccounts
  readonly targets: RunningTargets
  readonly now: number
  /** When all of the batch happens. */
  readonly at: number
  readonly #records = new Map<string, TransactionRecord>()
  readonly #before = new Map<string, Target>()

  constructor(found: Found) {
    this.now = found.now
    this.at = timeOfBatch(found.now, found.accounts)
    this.accounts = new Map(found.accounts)
    for (const record of found.targets) {
      this.#records.set(record.id, record)
      this.#before.set(record.id, targetOf(record))
    }
    this.targets = new Map(this.#before)
  }

  /** Marks how the books stand. A copy of two maps: 30 µs for a thousand accounts. */
  mark(): BooksMark {
    return { accounts: new Map(this.accounts), targets: new Map(this.targets) }
  }

  /** Puts the books back to how they stood. */
  backTo(mark: BooksMark): void {
    this.accounts.clear()
    for (const [id, account] of mark.accounts) this.accounts.set(id, account)
    this.targets.clear()
    for (const [id, target] of mark.targets) this.targets.set(id, target)
  }

  /** Adds a transaction that the batch itself has made: a later member may be about it. */
  add(record: TransactionRecord): void {
    this.targets.set(record.id, targetOf(record))
  }

  /** A record as the members since have left it. */
  asItStands(record: TransactionRecord): TransactionRecord {
    const target = this.targets.get(record.id)
    return target === undefined ? record : withTarget(record, target, this.at)
  }

  /** A target that was found, as it stands. */
  found(id: string): TransactionRecord | undefined {
    const record = this.#records.get(id)
    return record === undefined ? undefined : this.asItStands(record)
  }

  /** The targets found that the batch has changed, as they stand. */
  targetsChanged(): TransactionRecord[] {
    return [...this.#records.values()].flatMap((record) =>
      this.targets.get(record.id) === this.#before.get(record.id) ? [] : this.asItStands(record),
    )
  }
}
