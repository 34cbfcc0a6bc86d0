import { createBullBoard } from '@bull-board/api'
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter'
import { FastifyAdapter } from '@bull-board/fastify'
import type { FastifyInstance, FastifyPluginAsync, FastifyReply } from 'fastify'
import { slotCount } from '../../../shared/engine/slot.ts'
import { Problem, problemJson } from '../../../shared/wire/problems.ts'
import { sendProblem } from '../answer-problems.ts'
import type { ApiContext } from '../context.ts'
import { iconAddress, pagePolicy } from '../pages/page.ts'
import { queueBoardMissingPage } from '../pages/queue-board-missing-page.ts'

const address = '/admin/queues'

/** When to look again after Redis was away. */
const retryAfterS = 5

/** The board names its own address in `<base>`, and else keeps to the rule of our pages. */
const boardPolicy = pagePolicy.replace(`base-uri 'none'`, `base-uri 'self'`)

/** What the board's page loads from elsewhere: a font, without which it looks as well. */
const foreignStyle = /<link\b[^>]*\bhref="https?:[^>]*>/g

/** Bull Board over the doorbells, read-only; where nothing rings through BullMQ, a page that says what it needs. */
export function queueBoardRoutes({ queue }: ApiContext): FastifyPluginAsync {
  const { board } = queue
  if (board === undefined) {
    return async (server) => {
      for (const url of [address, `${address}/*`]) {
        server.get(url, { schema: { hide: true } }, async (_request, reply) =>
          reply
            .header('content-type', 'text/html; charset=utf-8')
            .serializer((page: unknown) => page as string)
            .send(queueBoardMissingPage),
        )
      }
    }
  }
  return async (server) => {
    await server.register(async (guarded) => {
      // Answered here: what is thrown within the board, the board answers by itself, and not as we do.
      guarded.addHook('onRequest', async (request, reply) => {
        if (request.method !== 'GET' && request.method !== 'HEAD') {
          return sendProblem(request, reply, readOnly())
        }
        // Without Redis the board could only hang; what waits is in the database, and /api/v1/queue tells of it.
        if (!queue.isConnected()) return sendProblem(request, reply, unavailable())
        return undefined
      })
      guarded.addHook('onSend', async (_request, reply, payload) => {
        // What the board says by itself when Redis takes its questions and does not answer.
        if (reply.statusCode >= 500 && !isProblem(reply)) return asProblem(reply, unavailable())
        if (!String(reply.getHeader('content-type')).startsWith('text/html')) return payload
        void reply.header('content-security-policy', boardPolicy)
        return typeof payload === 'string' ? payload.replaceAll(foreignStyle, '') : payload
      })
      await registerBoard(guarded, board())
    })
  }
}

async function registerBoard(
  server: FastifyInstance,
  queues: ReturnType<NonNullable<ApiContext['queue']['board']>>,
): Promise<void> {
  const serverAdapter = new FastifyAdapter()
  serverAdapter.setBasePath(address)
  createBullBoard({
    queues: queues.map(
      (queue, group) =>
        new BullMQAdapter(queue, {
          readOnlyMode: true,
          allowRetries: false,
          description: describeGroup(group, queues.length),
        }),
    ),
    serverAdapter,
    options: {
      uiConfig: {
        boardTitle: 'LedgerFlow',
        boardLogo: { path: iconAddress },
        favIcon: { default: iconAddress, alternative: iconAddress },
        miscLinks: [{ text: 'LedgerFlow', url: '/' }],
      },
    },
  })
  await server.register(serverAdapter.registerPlugin(), { prefix: address })
}

function unavailable(): Problem {
  return new Problem('queue_board_unavailable', { retryAfterS })
}

function isProblem(reply: FastifyReply): boolean {
  return String(reply.getHeader('content-type')).startsWith('application/problem+json')
}

/** Makes an answer that is on its way a problem. */
function asProblem(reply: FastifyReply, problem: Problem): string {
  void reply
    .code(problem.status)
    .header('content-type', 'application/problem+json; charset=utf-8')
    .header('cache-control', 'no-store')
    .header('retry-after', String(retryAfterS))
    .removeHeader('content-length')
  return JSON.stringify(problemJson(problem, address))
}

function readOnly(): Problem {
  return new Problem('method_not_allowed', {
    detail: 'The board is read-only.',
    allow: 'GET, HEAD',
  })
}

function describeGroup(group: number, queues: number): string {
  const last = group + queues * Math.floor((slotCount - 1 - group) / queues)
  const slots = queues === 1 ? `0 to ${last}` : `${group}, ${group + queues} … ${last}`
  return `Rings for slots ${slots} of ${slotCount}. What is to be posted is in the database.`
}
