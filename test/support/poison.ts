import Database from 'better-sqlite3'
import { withClient } from '../../scripts/provision/postgres-database.ts'
import type { StoreLocation } from '../../shared/store/open.ts'

/** A database that refuses to post some transactions, as a defect of ours or a broken index would make it. */
export interface PoisonedDatabase {
  /** From now on a transaction with this reference cannot be posted. */
  poison(reference: string): Promise<void>
  /** Mends the cause. */
  heal(reference: string): Promise<void>
}

const triggers = {
  postgres: [
    `create table poisoned (reference text primary key)`,
    `create function refuse_poisoned() returns trigger language plpgsql as $$
     begin
       if exists (select 1 from poisoned p where p.reference = new.reference) then
         raise exception 'poisoned' using errcode = '23514';
       end if;
       return new;
     end $$`,
    `create trigger refuse_poisoned before update on transactions for each row
     when (new.status = 'posted' and new.reference is not null) execute function refuse_poisoned()`,
  ],
  sqlite: [
    `create table poisoned (reference text primary key)`,
    `create trigger refuse_poisoned before update on transactions
     when new.status = 'posted'
      and exists (select 1 from poisoned p where p.reference = new.reference)
     begin select raise(abort, 'poisoned'); end`,
  ],
} as const

/** Puts a trigger into the database of a running service that refuses what is told to it later. */
export async function poisonedDatabase(location: StoreLocation): Promise<PoisonedDatabase> {
  for (const statement of triggers[location.dialect]) await run(location, statement)
  return {
    poison: (reference) => run(location, `insert into poisoned values ('${reference}')`),
    heal: (reference) => run(location, `delete from poisoned where reference = '${reference}'`),
  }
}

async function run(location: StoreLocation, statement: string): Promise<void> {
  if (location.dialect === 'postgres') {
    await withClient(location.url, (client) => client.query(statement))
    return
  }
  const database = new Database(location.path)
  try {
    database.exec(statement)
  } finally {
    database.close()
  }
}
