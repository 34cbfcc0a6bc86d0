import { Worker, type Job } from 'bullmq'
import type { RingReport } from '../engine/drain-rounds.ts'
import type { RingJob } from './bullmq-doorbell.ts'
import type { AnswerRing, DoorbellListener } from './queue.ts'
import { keyPrefix, queueName, slotsOfGroup } from './queue-group.ts'
import type { RedisClient } from './redis-connection.ts'
import { withinDeadline } from '../engine/within-deadline.ts'

/**
 * How long a job is ours without a word from us, and how often jobs without a word are looked for. While one lies there, the
 * bell of its group is silent and only the sweep finds work: with ten seconds for both it was silent for nine after Redis
 * had been stopped for ten. A job that runs again only rings once more.
 */
const lockMs = 3000
const stalledMs = 1000

/** A ring may be taken over as often as workers die: it is never given up, because it does nothing but ring. */
const takeoversMax = 1_000_000

/** `close` alone was seen never to return while Redis is away. */
const closeDeadlineMs = 3000

/** What a job returns: what the drain did. */
interface RingResult extends Omit<RingReport, 'refusedIds' | 'parkedIds'> {
  readonly slots: readonly number[]
  readonly ms: number
}

/**
 * Answers the rings of all queues. Whatever a job says, all slots of its group are looked at: what rang while it waited was not
 * told anew.
 */
export function listenThroughBullmq(
  connect: () => RedisClient,
  namespace: string,
  queues: number,
  answer: AnswerRing,
): DoorbellListener {
  const client = connect()
  const workers = Array.from({ length: queues }, (_, group) =>
    new Worker<RingJob, RingResult>(queueName(group), (job) => answerJob(job, group, answer), {
      connection: client,
      prefix: keyPrefix(group, namespace),
      concurrency: 1,
      lockDuration: lockMs,
      stalledInterval: stalledMs,
      maxStalledCount: takeoversMax,
      skipVersionCheck: true,
    }).on('error', () => undefined),
  )
  return {
    close: async () => {
      const closed = Promise.allSettled(workers.map((worker) => worker.close()))
      await withinDeadline(closeDeadlineMs, closed)
      client.disconnect()
    },
  }
}

async function answerJob(
  job: Job<RingJob, RingResult>,
  group: number,
  answer: AnswerRing,
): Promise<RingResult> {
  const begun = performance.now()
  const slots = slotsOfGroup(group, job.data.queues)
  const { refusedIds, parkedIds, ...report } = await answer(slots)
  const ms = Math.round(performance.now() - begun)
  // One round trip for all lines: they leave together, in this order.
  await Promise.all(logOf({ ...report, refusedIds, parkedIds }, ms).map((line) => job.log(line)))
  return { slots: job.data.slots, ...report, ms }
}

/** What a job's log tells: the sum of it, then by id what somebody may want to look at. */
function logOf(report: RingReport, ms: number): string[] {
  const { posted, refused, refusedIds, parkedIds, stoppedBy } = report
  const nothing = posted + refused + parkedIds.length === 0
  return [
    nothing
      ? `nothing was left to do (${ms} ms)`
      : `posted ${posted}, refused ${refused}, parked ${parkedIds.length} in ${ms} ms`,
    ...refusedIds.map((id) => `refused ${id}`),
    ...parkedIds.map((id) => `parked ${id}`),
    ...(stoppedBy === null ? [] : [`stopped early: ${stoppedBy}`]),
  ]
}
