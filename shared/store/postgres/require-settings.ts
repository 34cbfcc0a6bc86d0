import { cannotOpen, placeOf } from '../data-source.ts'
import { PostingConnection } from './posting-connection.ts'

/**
 * Rejects with a sentence for the operator when the server does not hear what our connections ask for: their time-outs would be
 * missing and their plans be left to chance, and what drops it, a pooler, mostly hands a connection on between two statements that
 * belong together. Costs a connection.
 */
export async function requireSettings(url: string): Promise<void> {
  const place = `the database at ${placeOf(url)}`
  const connection = await PostingConnection.open(url).catch((error: unknown): never => {
    throw cannotOpen(place, error)
  })
  try {
    const { rows } = await connection.send('show plan_cache_mode')
    const [row] = rows as Record<string, string>[]
    if (row?.['plan_cache_mode'] === 'force_generic_plan') return
  } finally {
    connection.close()
  }
  throw cannotOpen(
    place,
    new Error(
      'what a connection asks for does not reach the server; name Postgres itself, not a pooler before it: the service keeps its own connections',
    ),
  )
}
