import type { Logger } from '../shared/log.ts'

/** How long a stop may take. Orchestrators kill after 30 s; our promise is 25. */
const deadlineMs = 22_000

/**
 * Stops the process on SIGTERM and SIGINT: runs `stop` once and exits with 0, or, when the deadline passes, with 1. What
 * was acknowledged is committed, so that a hard end loses nothing; it only leaves requests unanswered.
 */
export function stopOnSignal(log: Logger, stop: () => Promise<void>): void {
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) return
    stopping = true
    log.info({ signal }, 'stopping: answering what is in hand')
    const deadline = setTimeout(() => {
      log.error({ deadlineMs }, 'the stop took too long; what is in hand goes unanswered')
      process.exit(1)
    }, deadlineMs)
    deadline.unref()
    stop().then(
      () => {
        log.info('stopped')
        process.exit(0)
      },
      (error: unknown) => {
        log.error({ err: error }, 'the stop failed')
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', onSignal)
  process.on('SIGINT', onSignal)
}
