import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** Files that kill and wait: a short text, by which vitest orders them, and a long time. */
const lasting = /\/test\/(?:faults|crash|access\/keys|webhooks\/kill|scripts\/migrate)/

/** Begins with what lasts, so that nothing runs alone at the end. */
class LastingFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files)
    const isLasting = ({ moduleId }: TestSpecification) => lasting.test(moduleId)
    return [...sorted.filter(isLasting), ...sorted.filter((file) => !isLasting(file))]
  }
}

// vitest reads its configuration from a default export: the one place that has one.
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'shared/**/*.test.ts', 'services/**/*.test.ts'],
    // The long form of the fault suite is `npm run test:faults`.
    exclude: ['node_modules/**', 'test/faults/!(short).test.ts'],
    globalSetup: ['test/support/global-setup.ts'],
    // Processes, not threads: better-sqlite3 is native.
    pool: 'forks',
    // One file after the other in a process, which loads the service once: loading it for each file
    // was a quarter of all work. So a file leaves its process as it found it: no timers that are
    // faked, no variable of the environment, no folder.
    isolate: false,
    // Three files for two cores: most of the time they wait for a server.
    sequence: { sequencer: LastingFirst },
    maxWorkers: Math.ceil(availableParallelism() * 1.5),
    testTimeout: 60_000,
    hookTimeout: 120_000,
    teardownTimeout: 30_000,
    // A floating failure is a failure: the worst bug here is a promise that nobody awaits.
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
    coverage: {
      provider: 'v8',
      include: ['shared/**/*.ts', 'services/**/*.ts'],
      reporter: ['text-summary', 'html', 'json-summary'],
      reportsDirectory: 'coverage',
    },
  },
})
