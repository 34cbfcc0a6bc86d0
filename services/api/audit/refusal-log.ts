import { setTimeout as sleep } from 'node:timers/promises'
import { noLedger, type AuditRecord } from '../../../shared/engine/audit-record.ts'
import type { Logger } from '../../../shared/log.ts'
import type { AuditStore } from '../../../shared/store/ledger-store.ts'
import { windowMs } from '../access/counts.ts'

/**
 * How many kinds of refusals are told apart in a minute: of callers whom nobody knows, and of those who are known. What comes on
 * top is counted together, so that nobody fills the disk by being refused: two records a kind and minute at the most.
 */
const strangersMax = 100
const callersMax = 1000

/** Records that wait for a database which is away. */
const pendingMax = 10_000
const batchSizeMax = 500
const retryMs = 1000

/** How long a stop waits for what is not written yet. */
const closingMs = 2000

/** Refusals that are alike, and how many there were after the first in this minute. */
interface Alike {
  readonly first: AuditRecord
  more: number
}

/**
 * Records what was denied, and what was refused without anything being kept of it. Nothing was changed, so no answer waits for this: the
 * first of a kind is written at once, those that follow in the same minute are counted and written as one record when it is over.
 */
export class RefusalLog {
  readonly #store: Pick<AuditStore, 'record'>
  readonly #log: Logger
  readonly #alike = new Map<string, Alike>()
  #strangers = 0
  #pending: AuditRecord[] = []
  #writing: Promise<void> | undefined
  #minuteEnd: NodeJS.Timeout | undefined
  #isClosing = false

  constructor(store: Pick<AuditStore, 'record'>, log: Logger) {
    this.#store = store
    this.#log = log
  }

  /** Takes the record of one refusal. Costs no round trip. */
  note(record: AuditRecord): void {
    this.#minuteEnd ??= setTimeout(() => this.#endMinute(), windowMs - (Date.now() % windowMs))
    this.#minuteEnd.unref()
    const isStranger = record.role === null
    const kind = kindOf(record)
    const known = this.#alike.get(kind)
    if (known !== undefined) {
      known.more += 1
    } else if (isStranger ? this.#strangers >= strangersMax : this.#alike.size >= callersMax) {
      this.#countTogether(record)
    } else {
      if (isStranger) this.#strangers += 1
      this.#alike.set(kind, { first: record, more: 0 })
      this.#write(record)
    }
  }

  /** Writes what was counted so far, and waits for it as long as a stop may take. */
  async close(): Promise<void> {
    this.#isClosing = true
    this.#endMinute()
    await Promise.race([this.#writing, sleep(closingMs, undefined, { ref: false })])
  }

  #countTogether({ outcome, status, code }: AuditRecord): void {
    const nobody = { credential: 'several', role: null, address: null, action: 'several' }
    const kind = `${nobody.credential} ${outcome}`
    const known = this.#alike.get(kind)
    if (known !== undefined) {
      known.more += 1
      return
    }
    const unsaid = { ledgerId: noLedger, object: null, requestId: null, count: 1 }
    this.#alike.set(kind, { first: { ...nobody, ...unsaid, outcome, status, code }, more: 1 })
  }

  #endMinute(): void {
    clearTimeout(this.#minuteEnd)
    this.#minuteEnd = undefined
    const counted = [...this.#alike.values()].filter(({ more }) => more > 0)
    this.#alike.clear()
    this.#strangers = 0
    for (const { first, more } of counted) {
      this.#write({ ...first, object: null, requestId: null, count: more })
    }
  }

  #write(record: AuditRecord): void {
    if (this.#pending.length >= pendingMax) {
      this.#log.error({ record }, 'a refusal is not recorded: too many wait for the database')
      return
    }
    this.#pending.push(record)
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = undefined
    })
  }

  async #writeAll(): Promise<void> {
    while (this.#pending.length > 0) {
      const batch = this.#pending.slice(0, batchSizeMax)
      try {
        await this.#store.record(batch)
        this.#pending = this.#pending.slice(batch.length)
      } catch (error) {
        this.#log.warn(
          { err: error, waiting: this.#pending.length },
          'refusals wait to be recorded',
        )
        if (this.#isClosing) return
        await sleep(retryMs, undefined, { ref: false })
      }
    }
  }
}

function kindOf(record: AuditRecord): string {
  const { credential, ledgerId, address, outcome, status, code } = record
  // A caller whom nobody knows makes one kind, whatever it tries.
  const action = record.role === null ? '' : record.action
  return JSON.stringify([credential, ledgerId, address, action, outcome, status, code])
}
