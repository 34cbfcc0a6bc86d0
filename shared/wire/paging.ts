import { z } from 'zod'
import { readCursor, writeCursor, type CursorScope } from './cursor.ts'
import { invalidParts } from './invalid-request.ts'

/** The query parameters of every list. */
export const pageParameters = {
  limit: z
    .string()
    .regex(/^(?:[1-9][0-9]?|1[0-9]{2}|200)$/, 'must be a whole number from 1 to 200')
    .transform(Number)
    .default(50)
    .meta({ description: 'Rows of a page, 1 to 200.', example: '50' }),
  cursor: z
    .string()
    .max(200, 'is not a cursor of this list')
    .optional()
    .meta({ description: '`next_cursor` of the page before.' }),
}

/** Reads the key that a list goes on from; throws the problem of a cursor that is not of this list. */
export function pageKey(scope: CursorScope, cursor: string | undefined): string | undefined {
  if (cursor === undefined) return undefined
  const key = readCursor(scope, cursor)
  if (key === undefined) {
    throw invalidParts([{ pointer: 'query/cursor', detail: 'is not a cursor of this list' }])
  }
  return key
}

/**
 * Makes a page out of the rows read: `limit` + 1 are asked for, so that the last page knows that it is the last.
 * `keyOf` gives the key by which the list goes on after a row.
 */
export function pageJson<Row, Item>(
  rows: readonly Row[],
  limit: number,
  scope: CursorScope,
  form: { readonly keyOf: (row: Row) => string; readonly json: (row: Row) => Item },
): { items: Item[]; next_cursor: string | null } {
  const shown = rows.slice(0, limit)
  const last = shown.at(-1)
  return {
    items: shown.map(form.json),
    next_cursor:
      rows.length > limit && last !== undefined ? writeCursor(scope, form.keyOf(last)) : null,
  }
}
