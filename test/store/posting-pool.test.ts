import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { StoreFailure } from '../../shared/engine/store-failure.ts'
import type { PostingConnection } from '../../shared/store/postgres/posting-connection.ts'
import { PostingPool } from '../../shared/store/postgres/posting-pool.ts'
import { createPostgresDatabase } from '../support/databases.ts'

describe('a pool of two posting connections', () => {
  let pool: PostingPool
  /** Lets the work that holds connections go. */
  let release: () => void
  let released: Promise<void>
  beforeEach(async () => {
    pool = new PostingPool(await createPostgresDatabase({ empty: true }), 2)
    released = new Promise((resolve) => {
      release = resolve
    })
  })
  afterEach(async () => {
    release()
    await pool.close(1000)
  })

  const hold = () => pool.lend(() => released)
  const ask = (connection: PostingConnection) => connection.send('select 1')

  it('refuses work within a second while both are lent, and lends again as soon as one is back', async () => {
    const held = [hold(), hold()]
    const begun = performance.now()
    const refusal = await pool.lend(ask).catch((error: unknown) => error)
    expect(performance.now() - begun).toBeLessThan(1000)
    expect(refusal).toBeInstanceOf(StoreFailure)
    expect(refusal).toMatchObject({ kind: 'capacity' })

    const waiting = pool.lend(ask)
    release()
    await Promise.all([...held, waiting])
    expect(pool.counts).toEqual({ open: 2, busy: 0 })
  })

  it('serves who waits in the order in which they came, and never lends more than it has', async () => {
    const held = [hold(), hold()]
    const served: number[] = []
    let busiest = 0
    const work = (number: number) =>
      pool.lend(async (connection) => {
        served.push(number)
        busiest = Math.max(busiest, pool.counts.busy)
        await ask(connection)
      })
    const waiting = [1, 2, 3, 4].map(work)
    release()
    await Promise.all(held)
    const late = work(5)
    await Promise.all([...waiting, late])
    expect(served).toEqual([1, 2, 3, 4, 5])
    expect(busiest).toBe(2)
  })

  it('lets those go who wait when it is closed', async () => {
    const held = [hold(), hold()]
    const waiting = pool.lend(ask)
    const closing = pool.close(1000)
    await expect(waiting).rejects.toMatchObject({ kind: 'not_done' })
    release()
    await Promise.all([...held, closing])
    expect(pool.counts).toEqual({ open: 0, busy: 0 })
  })
})
