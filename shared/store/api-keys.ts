import { IsNull, type EntityManager } from 'typeorm'
import type { AuditRecord } from '../engine/audit-record.ts'
import { newId } from '../engine/new-id.ts'
import type { ApiKey, NewKey } from '../access/api-key.ts'
import type { Role } from '../access/role.ts'
import { storedRecord } from './audit-log.ts'
import type { AdministrativeSource } from './data-source.ts'
import type { ApiKeyRow } from './entities/api-key-entity.ts'
import { failingClearly } from './failing-clearly.ts'

/** What a key is made for. */
export interface KeyWish {
  readonly name: string | null
  readonly role: Role
  readonly ledgerId: number | null
  readonly expiresAt: number | null
}

/** The keys of callers, through TypeORM. One statement each; failures are `StoreFailure`. */
export class ApiKeys {
  readonly #source: AdministrativeSource

  constructor(source: AdministrativeSource) {
    this.#source = source
  }

  /** Whether any key was ever made: also one that is revoked or expired says that callers are to show one. */
  async any(): Promise<boolean> {
    const [row] = await failingClearly('read', () => this.#table.find({ take: 1 }))
    return row !== undefined
  }

  /** Finds a key by its hash, through `api_keys_secret_hash_key`. */
  async find(secretHash: Buffer): Promise<ApiKey | undefined> {
    const row = await failingClearly('read', () => this.#table.findOneBy({ secretHash }))
    return row === null ? undefined : keyOf(row)
  }

  /** All keys, oldest first. */
  async list(): Promise<ApiKey[]> {
    const rows = await failingClearly('read', () => this.#table.find({ order: { id: 'ASC' } }))
    return rows.map(keyOf)
  }

  /** Makes a key; with the record of who made it, where there is one, in the same database transaction. */
  async add(
    { prefix, hash }: Omit<NewKey, 'key'>,
    wish: KeyWish,
    now: number,
    record?: AuditRecord,
  ): Promise<ApiKey> {
    const key: ApiKey = { id: newId(), prefix, ...wish, createdAt: now, revokedAt: null }
    await this.#recording(record, async (manager) => {
      const table = manager.getRepository(this.#source.entities.apiKeys)
      await table.insert({ ...key, secretHash: hash })
      return true
    })
    return key
  }

  /** Ends a key for good; false when none has the prefix, or it is ended already. The record is written as `add` writes it. */
  async revoke(
    prefix: string,
    now: number,
    recordFor?: (key: ApiKey) => AuditRecord,
  ): Promise<boolean> {
    const key = await failingClearly('read', () => this.#table.findOneBy({ prefix }))
    if (key === null) return false
    return this.#recording(recordFor?.(keyOf(key)), async (manager) => {
      const table = manager.getRepository(this.#source.entities.apiKeys)
      const { affected } = await table.update({ prefix, revokedAt: IsNull() }, { revokedAt: now })
      return affected === 1
    })
  }

  /** Does work, and records it if it did something. For scripts: in a service on SQLite, nothing may wait inside a transaction. */
  async #recording(
    record: AuditRecord | undefined,
    work: (manager: EntityManager) => Promise<boolean>,
  ): Promise<boolean> {
    const { dataSource, entities } = this.#source
    if (record === undefined) return failingClearly('write', () => work(dataSource.manager))
    const row = { ledgerId: record.ledgerId, id: newId(), records: [storedRecord(record)] }
    return failingClearly('write', () =>
      dataSource.transaction(async (manager) => {
        const isDone = await work(manager)
        if (isDone) await manager.getRepository(entities.auditLog).insert(row)
        return isDone
      }),
    )
  }

  get #table() {
    return this.#source.dataSource.getRepository(this.#source.entities.apiKeys)
  }
}

function keyOf(row: ApiKeyRow): ApiKey {
  const { id, prefix, name, role, ledgerId, createdAt, expiresAt, revokedAt } = row
  return { id, prefix, name, role, ledgerId, createdAt, expiresAt, revokedAt }
}
