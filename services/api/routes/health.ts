import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { Problem } from '../../../shared/wire/problems.ts'
import type { ApiContext } from '../context.ts'
import { readinessDetails, readinessDetailsSchema } from '../../readiness-details.ts'
import { answers } from '../operation.ts'
import type { Readiness } from '../readiness.ts'

const health = z
  .strictObject({ status: z.literal('ok') })
  .meta({ id: 'Health', examples: [{ status: 'ok' }] })
const ready = z
  .strictObject({
    status: z.literal('ready'),
    store: z.literal('ok'),
    migrations: z.literal('ok'),
    queue: z.enum(['ok', 'unavailable']).meta({
      description: 'Without its transport work is found by sweeping: slower, and nothing is lost.',
    }),
  })
  .meta({
    id: 'Ready',
    examples: [{ status: 'ready', store: 'ok', migrations: 'ok', queue: 'ok' }],
  })

const metricsAnswer = {
  description: 'All counters, gauges and histograms.',
  content: {
    'text/plain': {
      schema: z.string(),
      examples: {
        example: {
          value:
            '# HELP ledgerflow_refusals_total Transactions refused on their merits, by code.\n' +
            '# TYPE ledgerflow_refusals_total counter\n' +
            'ledgerflow_refusals_total{code="insufficient_funds"} 163\n',
        },
      },
    },
  },
}

/** Whether the process lives, whether it can work, and what it counts. */
export function healthRoutes(context: ApiContext, readiness: Readiness): FastifyPluginAsync {
  return async (server) => {
    server.addHook('onRequest', (_request, reply, done) => {
      void reply.header('cache-control', 'no-store')
      done()
    })
    server.get(
      '/health',
      {
        schema: {
          operationId: 'getHealth',
          tags: ['Operations'],
          summary: 'Whether the process is alive',
          response: answers({ 200: ['It is.', health] }, []),
        },
      },
      async () => ({ status: 'ok' as const }),
    )
    server.get(
      '/health/ready',
      {
        schema: {
          operationId: 'getReadiness',
          tags: ['Operations'],
          summary: 'Whether the process can take work: database and migrations',
          response: answers({ 200: ['It can.', ready] }, ['store_unavailable', 'overloaded']),
        },
      },
      async () => {
        if (readiness.stopping)
          throw new Problem('overloaded', { detail: 'The process is stopping.' })
        await context.store.checkReady()
        const queue = context.queue.isConnected() ? ('ok' as const) : ('unavailable' as const)
        return { status: 'ready' as const, store: 'ok' as const, migrations: 'ok' as const, queue }
      },
    )
    server.get(
      '/health/ready/details',
      {
        schema: {
          operationId: 'getReadinessDetails',
          tags: ['Operations'],
          summary: 'How the process does, in full, also when it is not ready',
          response: answers({ 200: ['How it does.', readinessDetailsSchema] }, []),
        },
      },
      () => readinessDetails(context, readiness.stopping),
    )
    server.get(
      '/metrics',
      {
        schema: {
          operationId: 'getMetrics',
          tags: ['Operations'],
          summary: 'What the process counts, in the text form of Prometheus',
          response: { 200: metricsAnswer, ...answers({}, []) },
        },
      },
      async (_request, reply) => {
        const { registry } = context.metrics
        return reply
          .header('content-type', registry.contentType)
          .serializer((text: unknown) => text as string)
          .send(await registry.metrics())
      },
    )
  }
}
