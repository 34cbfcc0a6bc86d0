import { randomInt } from 'node:crypto'

/** 512 kB, and of a hundred million keys 1,500 in a bucket. */
const bucketCount = 65_536

/**
 * Tells in fixed memory whether two walks meet the same keys equally often, and if not, in which buckets to look for those that differ.
 * Each bucket has a count and a sum of hashes of 32 bits, so that a key too many does not hide one too few. The hash begins at
 * random: who knows this code still does not know which keys would hide each other.
 */
export class Tally {
  readonly #counts = new Int32Array(bucketCount)
  readonly #sums = new Uint32Array(bucketCount)
  readonly #seeds = [randomInt(2 ** 32), randomInt(2 ** 32)] as const

  expect(key: string): void {
    const [bucket, sum] = this.#hash(key)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) + 1
    this.#sums[bucket] = (this.#sums[bucket] ?? 0) + sum
  }

  meet(key: string): void {
    const [bucket, sum] = this.#hash(key)
    this.#counts[bucket] = (this.#counts[bucket] ?? 0) - 1
    this.#sums[bucket] = (this.#sums[bucket] ?? 0) - sum
  }

  bucketOf(key: string): number {
    return this.#hash(key)[0]
  }

  /** The buckets in which the walks differ. */
  uneven(): number[] {
    const buckets: number[] = []
    for (let bucket = 0; bucket < bucketCount; bucket += 1) {
      if (this.#counts[bucket] !== 0 || this.#sums[bucket] !== 0) buckets.push(bucket)
    }
    return buckets
  }

  /** How many buckets hold so many keys together, of so many in all: one at the least. */
  static bucketsFor(keys: number, ofKeys: number): number {
    return Math.max(1, Math.floor((keys / Math.max(ofKeys, 1)) * bucketCount))
  }

  /** A bucket, and 32 bits that do not follow from it. The multipliers are those of MurmurHash3. */
  #hash(key: string): readonly [bucket: number, sum: number] {
    let [a, b]: [number, number] = [...this.#seeds]
    for (let at = 0; at < key.length; at += 1) {
      const code = key.charCodeAt(at)
      a = Math.imul(a ^ code, 0x85ebca6b)
      a ^= a >>> 13
      b = Math.imul(b ^ code, 0xc2b2ae35)
      b ^= b >>> 16
    }
    return [(a ^ (a >>> 16)) & (bucketCount - 1), b >>> 0]
  }
}
