import type { Mutant } from './mutated-sources.ts'

/** The file whose presence makes the row deadly. */
export const deadlyCause = 'deadly'

/** A drain that takes the transaction `deadly` kills its process in the midst of its database transaction. */
export const deadlyRow: Mutant = {
  name: 'a row that ends the process',
  changes: [
    {
      file: 'shared/engine/decide-drain.ts',
      search: `  targetsOf(taken: readonly TakenTransaction[]): readonly string[] {
`,
      replace: `  targetsOf(taken: readonly TakenTransaction[]): readonly string[] {
    if (existsSync('${deadlyCause}') && taken.some((row) => row.transaction.reference === 'deadly')) {
      process.kill(process.pid, 'SIGKILL')
    }
`,
    },
    {
      file: 'shared/engine/decide-drain.ts',
      search: "import type { TransactionRecord } from './transaction-record.ts'\n",
      replace: `import { existsSync } from 'node:fs'
import type { TransactionRecord } from './transaction-record.ts'
`,
    },
  ],
}
