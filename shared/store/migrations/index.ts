import { Ledger0000000000001 } from './0001-ledger.ts'
import { Guards0000000000002 } from './0002-guards.ts'
import { PostedHasEntries0000000000003 } from './0003-posted-has-entries.ts'
import { Deaths0000000000004 } from './0004-deaths.ts'
import { Holds0000000000005 } from './0005-holds.ts'
import { HistoryAndSearch0000000000006 } from './0006-history-and-search.ts'
import { Batches0000000000007 } from './0007-batches.ts'
import { ApiKeys0000000000008 } from './0008-api-keys.ts'
import { EntryChain0000000000009 } from './0009-entry-chain.ts'
import { Audit0000000000010 } from './0010-audit.ts'
import { Events0000000000011 } from './0011-events.ts'
import { Traceparent0000000000012 } from './0012-traceparent.ts'
import { Webhooks0000000000013 } from './0013-webhooks.ts'
import { NewestAccount0000000000014 } from './0014-newest-account.ts'
import { EntryOrder0000000000015 } from './0015-entry-order.ts'

/** All migrations, in order. A migration that has been released is never changed. */
export const migrations = [
  Ledger0000000000001,
  Guards0000000000002,
  PostedHasEntries0000000000003,
  Deaths0000000000004,
  Holds0000000000005,
  HistoryAndSearch0000000000006,
  Batches0000000000007,
  ApiKeys0000000000008,
  EntryChain0000000000009,
  Audit0000000000010,
  Events0000000000011,
  Traceparent0000000000012,
  Webhooks0000000000013,
  NewestAccount0000000000014,
  EntryOrder0000000000015,
] as const
