import { defineConfig } from 'vitest/config'

// The long form of the fault suite: `npm run test:faults`. One file after the other: each has servers and processes of its own,
// and what it measures suffers from company.
export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 180_000,
    hookTimeout: 180_000,
    teardownTimeout: 30_000,
    dangerouslyIgnoreUnhandledErrors: false,
    allowOnly: false,
  },
})
