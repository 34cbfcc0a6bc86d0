import { check } from './check.ts'
import { measure } from './measure.ts'
import { measurements } from './measurements/all.ts'
import { readOptions, usage, type Options } from './options.ts'
import { compareResults } from './report/compare.ts'
import { readResult } from './report/write.ts'

/** Measures the service, checks it quickly, or compares two results; see `options.ts`. Ends with 1 when something is wrong. */
async function main(parameters: readonly string[]): Promise<number> {
  let options: Options
  try {
    options = readOptions(
      parameters,
      measurements.map(({ name }) => name),
    )
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${usage}`)
    return 2
  }
  switch (options.kind) {
    case 'compare': {
      const [before, after] = options.paths
      console.log(compareResults(await readResult(before), await readResult(after)))
      return 0
    }
    case 'quick':
      return check()
    case 'measure':
      return measure(options)
  }
}

// Who is interrupted still ends the services that it has started.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1))
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  console.error(error instanceof Error ? error.message : String(error))
  process.exitCode = 1
}
