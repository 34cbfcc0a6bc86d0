import { afterEach, describe, expect, it, vi } from 'vitest'
import { newId, timeOfId } from '../../shared/engine/new-id.ts'

describe('the ids of a process', () => {
  afterEach(() => vi.useRealTimers())

  it('grow one by one, many within a millisecond', () => {
    const ids = Array.from({ length: 20_000 }, newId)

    expect(new Set(ids.map(timeOfId)).size).toBeLessThan(ids.length / 2)
    expect(ids.toSorted()).toEqual(ids)
    expect(new Set(ids).size).toBe(ids.length)
  })

  it('begin with the time, and never with an earlier one than the id before', () => {
    const before = Date.now()
    const first = newId()
    const after = Date.now()
    vi.useFakeTimers({ now: before - 5000, toFake: ['Date'] })
    const second = newId()

    expect(timeOfId(first)).toBeGreaterThanOrEqual(before)
    expect(timeOfId(first)).toBeLessThanOrEqual(after)
    expect(timeOfId(second)).toBe(timeOfId(first))
    expect(second > first).toBe(true)
  })

  it('are of version 7, and nothing but their time follows from those of another millisecond', () => {
    const ids = Array.from({ length: 3 }, (_, ms) => {
      vi.useFakeTimers({ now: Date.now() + ms, toFake: ['Date'] })
      return newId()
    })

    for (const id of ids) {
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    }
    expect(new Set(ids.map((id) => id.slice(24))).size).toBe(ids.length)
  })
})
