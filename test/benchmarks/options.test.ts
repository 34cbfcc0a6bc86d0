import { expect, it } from 'vitest'
import { readOptions } from '../../benchmarks/options.ts'

const known = ['sync', 'async']
const read = (...parameters: string[]) => readOptions(parameters, known)

it('without arguments everything is measured', () => {
  expect(read()).toEqual({
    kind: 'measure',
    names: [],
    preloaded: 0,
    seconds: 20,
    users: 50,
    minutes: undefined,
  })
})

it('what is to be measured, and how, can be chosen', () => {
  expect(read('--scenario', 'sync', '--scenario', 'async', '--preload', '5000000')).toMatchObject({
    names: ['sync', 'async'],
    preloaded: 5_000_000,
  })
  expect(read('--minutes', '10', '--seconds', '5', '--users', '200')).toMatchObject({
    minutes: 10,
    seconds: 5,
    users: 200,
  })
  expect(read('--quick')).toEqual({ kind: 'quick' })
  expect(read('--compare', 'a.json', 'b.json')).toEqual({
    kind: 'compare',
    paths: ['a.json', 'b.json'],
  })
})

it.each([
  [['--scenario', 'nothing'], 'there is no nothing; there are sync, async'],
  [['sync'], 'what is sync?'],
  [['--preload', '1e6'], '--preload takes a whole number'],
  [['--seconds', '0'], '--seconds takes a whole number from 1'],
  [['--compare', 'a.json'], 'two results'],
  [['--fast'], '--fast'],
])('%j makes no sense, and is told so', (parameters, told) => {
  expect(() => read(...parameters)).toThrow(told)
})
