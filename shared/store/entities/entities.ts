import type { EntitySchema } from 'typeorm'
import {
  accountEntities,
  type AccountRow,
  type CurrencyRow,
  type LedgerRow,
} from './account-entities.ts'
import { anchorEntities, type AnchoredHeadRow, type AnchorRow } from './anchor-entities.ts'
import { apiKeyEntity, type ApiKeyRow } from './api-key-entity.ts'
import { auditEntity, type AuditRow } from './audit-entity.ts'
import { columnKinds, type Dialect } from '../dialect.ts'
import { eventEntity, type EventRow } from './event-entity.ts'
import {
  queueEntities,
  type BatchMemberRow,
  type BatchRow,
  type QueuedTransactionRow,
} from './queue-entities.ts'
import {
  searchEntities,
  type AccountMetadataRow,
  type DatedEntryRow,
  type TransactionMetadataRow,
  type UnpostedAccountRow,
} from './search-entities.ts'
import {
  transactionEntities,
  type EntryRow,
  type HoldChangeRow,
  type TransactionRow,
} from './transaction-entities.ts'
import {
  webhookEntities,
  type WebhookDeliveryRow,
  type WebhookEndpointRow,
} from './webhook-entities.ts'

/** The schema as TypeORM sees it, in one dialect. The migrations make it; a test holds the two together. */
export interface Entities {
  readonly ledgers: EntitySchema<LedgerRow>
  readonly currencies: EntitySchema<CurrencyRow>
  readonly accounts: EntitySchema<AccountRow>
  readonly transactions: EntitySchema<TransactionRow>
  readonly entries: EntitySchema<EntryRow>
  readonly queuedTransactions: EntitySchema<QueuedTransactionRow>
  readonly holdChanges: EntitySchema<HoldChangeRow>
  readonly datedEntries: EntitySchema<DatedEntryRow>
  readonly transactionMetadata: EntitySchema<TransactionMetadataRow>
  readonly accountMetadata: EntitySchema<AccountMetadataRow>
  readonly unpostedAccounts: EntitySchema<UnpostedAccountRow>
  readonly batches: EntitySchema<BatchRow>
  readonly batchMembers: EntitySchema<BatchMemberRow>
  readonly apiKeys: EntitySchema<ApiKeyRow>
  readonly events: EntitySchema<EventRow>
  readonly webhookEndpoints: EntitySchema<WebhookEndpointRow>
  readonly webhookDeliveries: EntitySchema<WebhookDeliveryRow>
  readonly auditLog: EntitySchema<AuditRow>
  readonly anchors: EntitySchema<AnchorRow>
  readonly anchoredHeads: EntitySchema<AnchoredHeadRow>
}

/** Makes the entity schemas of a dialect. */
export function entitiesFor(dialect: Dialect): Entities {
  const kinds = columnKinds(dialect)
  return {
    ...accountEntities(kinds),
    ...transactionEntities(dialect),
    ...queueEntities(kinds),
    apiKeys: apiKeyEntity(kinds),
    events: eventEntity(kinds),
    ...webhookEntities(kinds),
    auditLog: auditEntity(kinds),
    ...anchorEntities(kinds),
    ...searchEntities(kinds),
  }
}
