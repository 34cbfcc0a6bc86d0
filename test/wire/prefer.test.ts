import { expect, test } from 'vitest'
import { preferencesOf } from '../../shared/wire/prefer.ts'

const nothing = { respondAsync: false, waitS: null }

test.each([
  ['', nothing],
  ['respond-async', { respondAsync: true, waitS: null }],
  ['Respond-Async', { respondAsync: true, waitS: null }],
  ['respond-async=""', { respondAsync: true, waitS: null }],
  ['respond-async; foo="a, b"', { respondAsync: true, waitS: null }],
  ['respond-async, wait=5', { respondAsync: true, waitS: 5 }],
  ['wait=5,respond-async', { respondAsync: true, waitS: 5 }],
  ['wait = 5', { respondAsync: false, waitS: 5 }],
  ['WAIT="5"', { respondAsync: false, waitS: 5 }],
  ['wait=0', { respondAsync: false, waitS: 0 }],
  ['wait=5; x=6', { respondAsync: false, waitS: 5 }],
  ['wait=5, wait=6', { respondAsync: false, waitS: 5 }],
  ['return=minimal, ,, wait=7', { respondAsync: false, waitS: 7 }],
])('%j is understood', (header, preferences) => {
  expect(preferencesOf(header)).toEqual(preferences)
})

test.each([
  'wait',
  'wait=',
  'wait=-1',
  'wait=1.5',
  'wait=abc',
  'wait=9999999',
  'wait: 5',
  'respond-async=yes',
  'respond-asynchronously',
  'foo="respond-async, wait=5"',
  'foo="\\", respond-async, wait=5"',
  'foo="respond-async, wait=5',
  'foo; respond-async',
])('%j is no wish of ours and is ignored', (header) => {
  expect(preferencesOf(header)).toEqual(nothing)
})

test('a header as long as headers may be is read at once', () => {
  const began = performance.now()

  for (const piece of ['"', ',', 'a=', ' ', ';', '\\"', 'wait=1,'])
    preferencesOf(piece.repeat(8000))

  expect(performance.now() - began).toBeLessThan(1000)
})
