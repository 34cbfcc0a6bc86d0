/** Who may keep dead row versions from being removed. */
export const snapshotHolders = ['session', 'replication_slot', 'prepared_transaction'] as const
export type SnapshotHolder = (typeof snapshotHolders)[number]

/** The oldest snapshot or open database transaction of one kind of holder; both are 0 where nothing is held. */
export interface OldestSnapshot {
  readonly holder: SnapshotHolder
  readonly seconds: number
  readonly transactions: number
}

/** How a table stands with vacuum, as the database estimates it. */
export interface TableCondition {
  readonly table: string
  readonly deadRows: number
  readonly liveRows: number
  /** Undefined where it never was. */
  readonly vacuumedSeconds: number | undefined
  readonly updates: number
  readonly hotUpdates: number
  readonly bytes: number
}

/** How a database server does, beyond what a request sees of it. */
export interface ServerCondition {
  readonly snapshots: readonly OldestSnapshot[]
  /** Among the sessions that the role may look at. */
  readonly idleInTransactionSeconds: number
  /** For how long the oldest database transaction of the server that has written has been open: what began after it is not told of yet. */
  readonly eventsHeldBackSeconds: number
  readonly sessions: number
  readonly sessionsMax: number
  readonly transactionIdAge: number
  readonly tables: readonly TableCondition[]
}

/** A file of the store and its size. */
export interface StoreFile {
  readonly file: 'database' | 'wal'
  readonly bytes: number
}

/** How a store does: of its server, or of its files. */
export type StoreCondition =
  | { readonly server: ServerCondition; readonly files?: undefined }
  | { readonly files: readonly StoreFile[]; readonly server?: undefined }
