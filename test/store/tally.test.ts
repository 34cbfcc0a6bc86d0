import { expect, test } from 'vitest'
import { Tally } from '../../shared/store/verify/tally.ts'

/** Two keys of one bucket; of a thousand keys some always share one. */
function twoOfOneBucket(tally: Tally): readonly [string, string] {
  const byBucket = new Map<number, string>()
  for (let n = 0; n < 65_537; n += 1) {
    const key = `transaction.posted ${n}`
    const other = byBucket.get(tally.bucketOf(key))
    if (other !== undefined) return [other, key]
    byBucket.set(tally.bucketOf(key), key)
  }
  throw new Error('there are more buckets than there were')
}

test('a tally is even when both walks meet the same keys, in whatever order', () => {
  const tally = new Tally()
  const keys = Array.from({ length: 1000 }, (_, n) => `key ${n}`)
  for (const key of keys) tally.expect(key)
  for (const key of keys.toReversed()) tally.meet(key)
  expect(tally.uneven()).toEqual([])
})

test('a key that is met never, twice or instead of another makes its bucket uneven', () => {
  const never = new Tally()
  never.expect('alice')
  expect(never.uneven()).toEqual([never.bucketOf('alice')])

  const twice = new Tally()
  twice.expect('alice')
  twice.meet('alice')
  twice.meet('alice')
  expect(twice.uneven()).toEqual([twice.bucketOf('alice')])

  const instead = new Tally()
  const [one, other] = twoOfOneBucket(instead)
  instead.expect(one)
  instead.meet(other)
  expect(instead.uneven()).toEqual([instead.bucketOf(one)])
})
