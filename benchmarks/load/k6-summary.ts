/** What a script of `benchmarks/k6` has counted and timed. Times in ms. */
export interface K6Summary {
  readonly answers: number
  readonly accepted: number
  readonly posted: number
  /** Failed checks: answers of another status or content than expected, or none at all. */
  readonly errors: number
  /** Iterations of an open loop that were due when all users were waiting, and so never began. */
  readonly dropped: number
  readonly answerTime: Times
  /** Only for scripts that wait for the end of what was accepted. */
  readonly endToEndTime: Times | undefined
}

/** How a script ended. */
export interface K6Result {
  readonly summary: K6Summary
  /** What k6 itself printed. */
  readonly text: string
  /** Whether all of the script's thresholds held. */
  readonly passed: boolean
}

export interface Times {
  readonly avg: number
  readonly p50: number
  readonly p95: number
  readonly p99: number
  readonly max: number
}

/** A metric as `k6 run --summary-export` writes it: a counter, a rate or a trend. */
type Metric = Readonly<Record<string, number>>

/**
 * Reads what `k6 run --summary-export` wrote. A metric that nothing was added to is left out there, and counts 0 here; answers
 * without times, or checks without either, are no summary of ours and throw.
 */
export function readK6Summary(text: string): K6Summary {
  const { metrics } = JSON.parse(text) as { metrics: Record<string, Metric | undefined> }
  const checks = metrics['checks']
  if (checks === undefined) throw new Error('k6 has checked nothing')
  const answerTime = timesOf(metrics['answer_time'])
  if (answerTime === undefined) throw new Error('k6 has timed no answer')
  const count = (name: string) => metrics[name]?.['count'] ?? 0
  return {
    answers: count('answers'),
    accepted: count('transactions_accepted'),
    posted: count('transactions_posted'),
    errors: figure(checks, 'fails'),
    dropped: count('dropped_iterations'),
    answerTime,
    endToEndTime: timesOf(metrics['end_to_end_time']),
  }
}

function timesOf(trend: Metric | undefined): Times | undefined {
  if (trend === undefined) return undefined
  return {
    avg: figure(trend, 'avg'),
    p50: figure(trend, 'med'),
    p95: figure(trend, 'p(95)'),
    p99: figure(trend, 'p(99)'),
    max: figure(trend, 'max'),
  }
}

function figure(metric: Metric, name: string): number {
  const value = metric[name]
  if (value === undefined) throw new Error(`k6's summary has no ${name}`)
  return value
}
