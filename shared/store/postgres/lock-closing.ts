import type { Prepared, PostingConnection } from './posting-connection.ts'

/**
 * Reads the closing time of a ledger's books and holds it still until the batch ends: FOR SHARE, so that batches do not wait for
 * each other, and whoever closes the books waits for those that were judged by the time before. Through `ledgers_pkey`.
 */
const lockClosing: Prepared = {
  name: 'lock_closing',
  text: `select (extract(epoch from books_closed_until) * 1000)::bigint
           from ledgers where id = $1 for share`,
}

/** Asks for the closing time if it matters; nothing is sent if not. Ms since 1970; null while nothing was closed. */
export async function lockClosingOn(
  connection: PostingConnection,
  ledgerId: number,
  matters: boolean,
): Promise<number | null> {
  if (!matters) return null
  const { rows } = await connection.sendPrepared(lockClosing, [ledgerId])
  const until = rows[0]?.[0] as string | null | undefined
  return until == null ? null : Number(until)
}
