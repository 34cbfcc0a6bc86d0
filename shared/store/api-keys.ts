import { IsNull } from 'typeorm'
import { newId } from '../engine/new-id.ts'
import type { ApiKey, NewKey } from '../access/api-key.ts'
import type { Role } from '../access/role.ts'
import type { AdministrativeSource } from './data-source.ts'
import type { ApiKeyRow } from './entities.ts'
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

  async add({ prefix, hash }: Omit<NewKey, 'key'>, wish: KeyWish, now: number): Promise<ApiKey> {
    const key: ApiKey = { id: newId(), prefix, ...wish, createdAt: now, revokedAt: null }
    await failingClearly('write', () => this.#table.insert({ ...key, secretHash: hash }))
    return key
  }

  /** Ends a key for good; false when none has the prefix, or it is ended already. */
  async revoke(prefix: string, now: number): Promise<boolean> {
    const { affected } = await failingClearly('write', () =>
      this.#table.update({ prefix, revokedAt: IsNull() }, { revokedAt: now }),
    )
    return affected === 1
  }

  get #table() {
    return this.#source.dataSource.getRepository(this.#source.entities.apiKeys)
  }
}

function keyOf(row: ApiKeyRow): ApiKey {
  const { id, prefix, name, role, ledgerId, createdAt, expiresAt, revokedAt } = row
  return { id, prefix, name, role, ledgerId, createdAt, expiresAt, revokedAt }
}
