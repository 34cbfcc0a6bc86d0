import { afterEach, beforeEach, expect, test } from 'vitest'
import { PostingLine } from '../../shared/store/postgres/posting-line.ts'
import { unwatched } from '../../shared/store/store-watch.ts'
import { createPostgresDatabase } from '../support/databases.ts'
import { until } from '../support/until.ts'

let line: PostingLine
/** Ends what holds the line. */
let release: () => void
let released: Promise<void>
beforeEach(async () => {
  line = new PostingLine(await createPostgresDatabase({ empty: true }), unwatched)
  released = new Promise((resolve) => {
    release = resolve
  })
  await until('it is connected', () => line.isReady())
})
afterEach(async () => {
  release()
  await line.close(1000)
})

test('takes batches behind each other until two thousand entries are under way', async () => {
  const hold = (entries: number) => line.run(entries, () => released)
  const held = [hold(1999)]
  expect(line.isReady()).toBe(true)
  held.push(hold(1))
  expect(line.isReady()).toBe(false)
  expect(line.counts).toEqual({ open: 1, busy: 1 })
  release()
  await Promise.all(held)
  expect(line.isReady()).toBe(true)
  expect(line.counts).toEqual({ open: 1, busy: 0 })
})

test('after a failure takes a new connection, and the batches behind get their answers on the former', async () => {
  const failed = line.run(1, (connection) => connection.send('select 1 / 0'))
  const behind = line.run(1, async (connection) => {
    await released
    return connection.send('select 1 as one')
  })
  await expect(failed).rejects.toMatchObject({ code: '22012' })
  expect(line.isReady()).toBe(false)
  release()
  expect((await behind).rows).toEqual([{ one: 1 }])
  await until('it is connected anew', () => line.isReady())
})

test('closes when what is under way has ended, and takes nothing more', async () => {
  const held = line.run(1, async (connection) => {
    await released
    return connection.send('select 1 as one')
  })
  const closing = line.close(5000)
  expect(line.isReady()).toBe(false)
  release()
  expect((await held).rows).toEqual([{ one: 1 }])
  await closing
})
