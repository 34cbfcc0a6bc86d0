import type { LedgerStore } from '../../shared/store/ledger-store.ts'
import type { Interposer } from './service.ts'

/**
 * A gate before the drains of a service: while it is shut, what is queued stays queued, in every shape alike. The
 * drains wait before it and go on when it opens.
 */
export class DrainGate {
  #opened: Promise<void> = Promise.resolve()
  #open: () => void = () => undefined
  #within = 0
  #left: () => void = () => undefined

  /** Shuts the gate; resolves when no drain is under way behind it. */
  async shut(): Promise<void> {
    this.open()
    this.#opened = new Promise((resolve) => {
      this.#open = resolve
    })
    if (this.#within === 0) return
    await new Promise<void>((resolve) => {
      this.#left = resolve
    })
  }

  open(): void {
    this.#open()
  }

  readonly interpose: Interposer = (store) => ({
    drain: async (...order: Parameters<LedgerStore['drain']>) => {
      await this.#opened
      this.#within += 1
      try {
        return await store.drain(...order)
      } finally {
        this.#within -= 1
        if (this.#within === 0) this.#left()
      }
    },
  })
}
