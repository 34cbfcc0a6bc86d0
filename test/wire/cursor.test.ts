import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readCursor, writeCursor, type CursorScope } from '../../shared/wire/cursor.ts'
import { pageJson, pageKey } from '../../shared/wire/paging.ts'

const key = '0198c0de-7a11-7000-8000-00000000a11c'
const scope: CursorScope = {
  secret: Buffer.alloc(32, 7),
  list: 'accounts',
  filter: { currency: 'USD', status: undefined, code: 'wallet:alice' },
}
const cursor = writeCursor(scope, key)

describe('a cursor', () => {
  it('is read back to its key, whatever the key', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, maxLength: 60 }), (text) => {
        const wellFormed = Buffer.from(text).toString()
        expect(readCursor(scope, writeCursor(scope, text))).toBe(wellFormed)
      }),
    )
  })

  it('is plain in an address, and short enough for one', () => {
    expect(cursor).toMatch(/^[A-Za-z0-9_-]{1,200}$/)
  })

  it.each<[string, Partial<CursorScope>]>([
    ['the order of its filters', { filter: { code: 'wallet:alice', currency: 'USD' } }],
    ['filters that are not set', { filter: { ...scope.filter, account_type: undefined } }],
  ])('does not depend on %s', (_, other) => {
    expect(readCursor({ ...scope, ...other }, cursor)).toBe(key)
  })

  it.each<[string, Partial<CursorScope>]>([
    ['another list', { list: 'transactions' }],
    ['another value of a filter', { filter: { ...scope.filter, currency: 'EUR' } }],
    ['a filter more', { filter: { ...scope.filter, status: 'active' } }],
    ['a filter less', { filter: { currency: 'USD' } }],
    ['the same value of another filter', { filter: { currency: 'USD', name: 'wallet:alice' } }],
    ['another ledger', { secret: Buffer.alloc(32, 8) }],
  ])('is none of %s', (_, other) => {
    expect(readCursor({ ...scope, ...other }, cursor)).toBeUndefined()
  })

  it('is none with any of its bits flipped', () => {
    const bytes = Buffer.from(cursor, 'base64url')
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes)
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      expect(readCursor(scope, flipped.toString('base64url'))).toBeUndefined()
    }
  })

  it('is none when it is cut short or goes on', () => {
    for (let length = 0; length < cursor.length; length += 1) {
      expect(readCursor(scope, cursor.slice(0, length))).toBeUndefined()
    }
    for (const more of ['A', '=', ' ', '\n', '.', cursor]) {
      expect(readCursor(scope, cursor + more)).toBeUndefined()
    }
  })

  it('has one spelling only, though decoders take several', () => {
    const withSlash = writeCursor(scope, '?>?>?>?>')
    const asBase64 = Buffer.from(withSlash, 'base64url').toString('base64')

    expect(asBase64).not.toBe(withSlash)
    expect(readCursor(scope, withSlash)).toBe('?>?>?>?>')
    expect(readCursor(scope, asBase64)).toBeUndefined()
  })

  it('of our own making is none', () => {
    fc.assert(
      fc.property(fc.base64String({ maxLength: 200 }), (text) => {
        expect(readCursor(scope, text)).toBeUndefined()
      }),
    )
  })
})

describe('a page', () => {
  const form = { keyOf: (row: number) => String(row), json: (row: number) => ({ row }) }

  it('that is not the last has a cursor to the row it ends with', () => {
    const { items, next_cursor: next } = pageJson([5, 4, 3], 2, scope, form)

    expect(items).toEqual([{ row: 5 }, { row: 4 }])
    expect(pageKey(scope, next ?? undefined)).toBe('4')
  })

  it.each([[[5, 4]], [[5]], [[]]])('that is the last has none: %j', (rows) => {
    expect(pageJson(rows, 2, scope, form)).toEqual({
      items: rows.map((row) => ({ row })),
      next_cursor: null,
    })
  })

  it('without a cursor begins at the beginning, and with a wrong one is refused', () => {
    expect(pageKey(scope, undefined)).toBeUndefined()
    expect(() => pageKey(scope, 'none')).toThrow(
      expect.objectContaining({
        code: 'invalid_request',
        content: expect.objectContaining({
          errors: [{ pointer: 'query/cursor', detail: 'is not a cursor of this list' }],
        }),
      }),
    )
  })
})
