import { setTimeout as sleep } from 'node:timers/promises'
import type { Database } from 'better-sqlite3'
import type { Anchor, AnchoredHead } from '../../engine/anchor.ts'
import type { AnchorBooks } from '../anchors/anchor-books.ts'
import { openSqlite } from './connection.ts'
import { sqliteFailureOf } from './failure.ts'
import { SqliteReader } from './reader.ts'

const insertAnchor = `
  insert into anchors
    (ledger_id, number, created_at, moved_after, moved_until, last_account_id, heads, root, previous, hash)
  values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
  on conflict do nothing`

const insertHead = `
  insert into anchored_heads (ledger_id, anchor, account_id, account_version, hash)
  values (?, ?, ?, ?, ?)`

/** Anchors in a SQLite file, also beside the process that posts to it: a short write of another only waits its turn. */
export class SqliteAnchorBooks extends SqliteReader implements AnchorBooks {
  readonly #database: Database

  constructor(path: string) {
    super(path)
    this.#database = openSqlite(path)
  }

  now(): Promise<number> {
    return Promise.resolve(Date.now())
  }

  /** Whoever read the clock before it was past `at` did so as the file's only writer: once we have been that, it has ended. */
  async settle(at: number): Promise<void> {
    for (let now = Date.now(); now <= at; now = Date.now()) await sleep(at + 1 - now)
    this.#immediately(() => undefined)
  }

  write(anchor: Anchor, heads: readonly AnchoredHead[]): Promise<boolean> {
    const bytes = (hex: string | null) => (hex === null ? null : Buffer.from(hex, 'hex'))
    const { ledgerId, number } = anchor
    let written = false
    this.#immediately(() => {
      const { changes } = this.#database
        .prepare(insertAnchor)
        .run(
          ledgerId,
          number,
          anchor.createdAt,
          anchor.movedAfter,
          anchor.movedUntil,
          anchor.lastAccountId,
          anchor.heads,
          bytes(anchor.root),
          bytes(anchor.previous),
          bytes(anchor.hash),
        )
      written = changes === 1
      if (!written) return
      const insert = this.#database.prepare(insertHead)
      for (const { accountId, version, hash } of heads) {
        insert.run(ledgerId, number, accountId, version, bytes(hash))
      }
    })
    return Promise.resolve(written)
  }

  override close(): void {
    super.close()
    this.#database.close()
  }

  #immediately(work: () => void): void {
    try {
      this.#database.transaction(work).immediate()
    } catch (error) {
      throw sqliteFailureOf(error)
    }
  }
}
