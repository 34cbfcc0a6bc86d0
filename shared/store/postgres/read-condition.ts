import {
  snapshotHolders,
  type ServerCondition,
  type SnapshotHolder,
  type TableCondition,
} from '../condition.ts'
import type { Reader, Statement } from '../reader.ts'
import type { Row } from '../rows.ts'
import type { SnapshotAges } from './snapshot-ages.ts'

/** The tables that posting and the queue write all the time. */
const hotTables = ['accounts', 'entries', 'events', 'queued_transactions', 'transactions'] as const

/**
 * What the server knows of its sessions. Everybody may see whose snapshots keep dead rows (`backend_xmin`, `backend_xid`); states
 * and times only of its own role's sessions, unless it may read all statistics. A vacuum's own snapshot keeps nothing. No
 * table is read and no lock taken.
 */
const serverCondition: Statement = {
  name: 'server_condition',
  text: `with held as (
           select 'session' as holder, greatest(age(backend_xmin), age(backend_xid)) as age
             from pg_stat_activity
            where (datid is null or datname = current_database()) and pid <> pg_backend_pid()
              and pid not in (select pid from pg_stat_progress_vacuum)
           union all
           select 'replication_slot', age(xmin) from pg_replication_slots
           union all
           select 'prepared_transaction', age(transaction) from pg_prepared_xacts
            where database = current_database()
         )
         select pg_snapshot_xmax(pg_current_snapshot())::text as next_id,
                pg_snapshot_xmin(pg_current_snapshot())::text as oldest_writer,
                (select jsonb_object_agg(holder, age)
                   from (select holder, max(age) as age from held group by holder) oldest) as ages,
                (select coalesce(max(extract(epoch from clock_timestamp() - state_change)), 0)::float8
                   from pg_stat_activity
                  where datname = current_database() and state like 'idle in transaction%') as idle,
                (select count(*) from pg_stat_activity where datid is not null)::integer as sessions,
                current_setting('max_connections')::integer as sessions_max,
                (select age(datfrozenxid) from pg_database
                  where datname = current_database()) as transaction_id_age`,
}

/** How the hot tables stand with vacuum, from the statistics that the server keeps of them. */
const tableConditions: Statement = {
  name: 'table_conditions',
  text: `select relname as name, n_dead_tup::float8 as dead_rows, n_live_tup::float8 as live_rows,
                n_tup_upd::float8 as updates, n_tup_hot_upd::float8 as hot_updates,
                pg_total_relation_size(relid)::float8 as bytes,
                extract(epoch from clock_timestamp() - greatest(last_vacuum, last_autovacuum))::float8
                  as vacuumed
           from pg_stat_user_tables
          where schemaname = current_schema() and relname in ('${hotTables.join("', '")}')`,
}

/** Reads how the server does. Two round trips of some milliseconds. Rejects with `StoreFailure`. */
export async function readCondition(reader: Reader, ages: SnapshotAges): Promise<ServerCondition> {
  const tables = await reader.rows(tableConditions, [])
  const [server = {}] = await reader.rows(serverCondition, [])
  const now = performance.now()
  const nextId = BigInt(String(server['next_id']))
  ages.read(nextId, now)
  const held = (server['ages'] ?? {}) as Partial<Record<SnapshotHolder, number | null>>
  return {
    snapshots: snapshotHolders.map((holder) => {
      const transactions = held[holder] ?? 0
      const seconds = ages.secondsSince(nextId - BigInt(transactions), now)
      return { holder, transactions, seconds }
    }),
    idleInTransactionSeconds: Number(server['idle']),
    eventsHeldBackSeconds: ages.secondsSince(BigInt(String(server['oldest_writer'])), now),
    sessions: Number(server['sessions']),
    sessionsMax: Number(server['sessions_max']),
    transactionIdAge: Number(server['transaction_id_age']),
    tables: tables.map(tableConditionOf),
  }
}

function tableConditionOf(row: Row): TableCondition {
  const vacuumed = row['vacuumed'] as number | null
  return {
    table: row['name'] as string,
    deadRows: row['dead_rows'] as number,
    liveRows: row['live_rows'] as number,
    vacuumedSeconds: vacuumed ?? undefined,
    updates: row['updates'] as number,
    hotUpdates: row['hot_updates'] as number,
    bytes: row['bytes'] as number,
  }
}
