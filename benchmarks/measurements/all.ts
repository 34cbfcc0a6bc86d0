import { backlog } from './backlog.ts'
import { batches } from './batches.ts'
import { decision } from './decision.ts'
import { engine } from './engine.ts'
import { generators } from './generators.ts'
import type { Measurement } from './measurement.ts'
import { rates } from './rates.ts'
import { scenarios } from './scenarios.ts'
import { users } from './users.ts'
import { yardstick } from './yardstick.ts'

/** Everything that `npm run bench` measures, in this order. */
export const measurements: readonly Measurement[] = [
  ...scenarios,
  rates,
  users,
  generators,
  yardstick,
  backlog,
  batches,
  engine,
  decision,
]
