import { spawnSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { memoryCourse } from '../../benchmarks/lab/memory.ts'
import { endedChildrenSeconds, processorTimeIn } from '../../benchmarks/lab/process-usage.ts'

it('the processor time of a process is read past its name, whatever that holds', () => {
  const fields = ['S', ...Array.from({ length: 10 }, () => '7'), '250', '50', '1200', '34', '20']
  expect(processorTimeIn(`4711 (post) gres (1) ${fields.join(' ')}\n`)).toEqual({
    own: 3,
    endedChildren: 12.34,
  })
})

it('what programs used that we have run to their end is counted', async () => {
  const before = await endedChildrenSeconds()
  spawnSync(process.execPath, ['-e', 'const end = Date.now() + 200; while (Date.now() < end);'])
  const linux = process.platform === 'linux'
  expect((await endedChildrenSeconds()) - before > 0.05).toBe(linux)
})

const course = (mib: (index: number) => number) =>
  memoryCourse(Array.from({ length: 100 }, (_, index) => mib(index)))

it('memory is flat when it ends where it was after the beginning, whatever happens between', () => {
  expect(course(() => 100)).toEqual({ early: 100, middle: 100, late: 100, peak: 100, flat: true })
  // Growing at first, and collected now and then.
  expect(course((at) => (at < 10 ? 50 + 5 * at : 100 + (at % 7)))?.flat).toBe(true)
})

it('memory that grows is not flat', () => {
  expect(course((at) => 100 + at / 2)).toMatchObject({ flat: false })
  expect(course((at) => (at < 90 ? 100 : 110))?.flat).toBe(true)
  expect(course((at) => (at < 90 ? 100 : 111))?.flat).toBe(false)
})

it('too few samples say nothing', () => {
  expect(memoryCourse(Array.from({ length: 19 }, () => 100))).toBeUndefined()
})
