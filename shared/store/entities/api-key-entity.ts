import { roles, type Role } from '../../access/role.ts'
import type { ColumnKinds } from '../dialect.ts'
import { oneOf, schema } from './entity-schema.ts'

/** A key that a caller shows; its hash is all that is kept of it. No ledger means all of them. */
export interface ApiKeyRow {
  id: string
  prefix: string
  secretHash: Buffer
  name: string | null
  role: Role
  ledgerId: number | null
  createdAt: number
  expiresAt: number | null
  revokedAt: number | null
}

/** The table of keys: of no ledger in particular. */
export function apiKeyEntity(kinds: ColumnKinds) {
  return schema<ApiKeyRow>({
    name: 'api_keys',
    columns: {
      id: { ...kinds.id, primary: true },
      prefix: { type: 'text' },
      secretHash: { ...kinds.bytes, name: 'secret_hash' },
      name: { type: 'text', nullable: true },
      role: { type: 'text' },
      ledgerId: { type: 'integer', name: 'ledger_id', nullable: true },
      createdAt: { ...kinds.time, name: 'created_at' },
      expiresAt: { ...kinds.time, name: 'expires_at', nullable: true },
      revokedAt: { ...kinds.time, name: 'revoked_at', nullable: true },
    },
    uniques: [
      { name: 'api_keys_prefix_key', columns: ['prefix'] },
      { name: 'api_keys_secret_hash_key', columns: ['secretHash'] },
    ],
    checks: [oneOf('api_keys_role_check', 'role', roles)],
  })
}
