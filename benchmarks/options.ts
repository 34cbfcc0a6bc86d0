import { parseArgs } from 'node:util'

/** What `npm run bench -- …` was asked for. */
export type Options =
  | { readonly kind: 'compare'; readonly paths: readonly [string, string] }
  | { readonly kind: 'quick' }
  | MeasureOptions

export interface MeasureOptions {
  readonly kind: 'measure'
  /** Names of measurements; empty: all. */
  readonly names: readonly string[]
  /** Transactions to store before. */
  readonly preloaded: number
  readonly seconds: number
  readonly users: number
  /** Only endurance, for so long on each path. */
  readonly minutes: number | undefined
}

/** How to use it, in words. */
export const usage = `npm run bench                           everything, about 20 minutes
npm run bench -- --scenario NAME        one measurement, by its name; may be repeated
npm run bench -- --preload N            with N transactions stored before
npm run bench -- --seconds N --users N  how long each load lasts (default 20), how many users a closed loop has (50)
npm run bench -- --minutes N            the sync and the async load for N minutes each: is the memory flat?
npm run bench -- --compare A B          ratios of two results, by the paths of their JSON files
npm run bench -- --quick                under a minute: no figures, only whether all is answered, posted and in the books`

/** Reads the arguments. Throws with a sentence for the user when they make no sense. */
export function readOptions(parameters: readonly string[], known: readonly string[]): Options {
  const { values, positionals } = parseArgs({
    args: [...parameters],
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      compare: { type: 'boolean', default: false },
      scenario: { type: 'string', multiple: true, default: [] },
      preload: { type: 'string', default: '0' },
      seconds: { type: 'string', default: '20' },
      users: { type: 'string', default: '50' },
      minutes: { type: 'string' },
    },
  })
  if (values.compare) return compareOptions(positionals)
  if (positionals.length > 0) throw new Error(`what is ${positionals.join(' ')}?`)
  if (values.quick) return { kind: 'quick' }

  const unknown = values.scenario.filter((name) => !known.includes(name))
  if (unknown.length > 0) {
    throw new Error(`there is no ${unknown.join(', ')}; there are ${known.join(', ')}`)
  }
  return {
    kind: 'measure',
    names: values.scenario,
    preloaded: wholeNumber('preload', values.preload, 0),
    seconds: wholeNumber('seconds', values.seconds, 1),
    users: wholeNumber('users', values.users, 1),
    minutes: values.minutes === undefined ? undefined : wholeNumber('minutes', values.minutes, 1),
  }
}

function compareOptions([first, second, ...more]: readonly string[]): Options {
  if (first === undefined || second === undefined || more.length > 0) {
    throw new Error('--compare takes the paths of two results')
  }
  return { kind: 'compare', paths: [first, second] }
}

function wholeNumber(name: string, text: string, least: number): number {
  const number = Number(text)
  if (!/^[0-9]+$/.test(text) || number < least) {
    throw new Error(`--${name} takes a whole number from ${least} on`)
  }
  return number
}
