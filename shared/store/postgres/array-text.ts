import type { Metadata } from '../../engine/transaction-record.ts'

/**
 * Writes a Postgres array of values that need no quoting: ids, numbers, words of ours. Texts of the client's go to
 * the driver as arrays, which quotes them.
 */
export function plainArray<Item>(
  items: readonly Item[],
  value: (item: Item) => string | number | bigint | null,
): string {
  let text = ''
  for (const item of items) text += `${text === '' ? '' : ','}${value(item) ?? 'null'}`
  return `{${text}}`
}

/** A time as Postgres reads it inside an array without quotes. */
export function timeText(ms: number): string {
  return new Date(ms).toISOString()
}

/** JSON for a jsonb parameter; null stays null. */
export function jsonText(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value)
}

/** Metadata for a jsonb parameter; none is null. */
export function metadataText(metadata: Metadata): string | null {
  for (const _ in metadata) return JSON.stringify(metadata)
  return null
}
