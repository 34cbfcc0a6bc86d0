import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import {
  eventJson,
  eventPageSchema,
  eventQuery,
  exampleStream,
  streamHeaders,
  streamQuery,
} from '../../../shared/wire/event-json.ts'
import type { ApiContext } from '../context.ts'
import { EventPlaces, pageThere } from '../event-places.ts'
import { answers } from '../operation.ts'

/** What has happened, in order, for whoever goes through it at his own pace. */
export function eventRoutes({ store, streams }: ApiContext): FastifyPluginAsync {
  return async (server) => {
    server.get<{ Querystring: z.output<typeof eventQuery> }>(
      '/api/v1/events',
      {
        schema: {
          operationId: 'listEvents',
          tags: ['Events'],
          summary: 'Read events, oldest first',
          description:
            'The one list that goes forward: begin with the oldest that is kept, or with `after=now`, and ask again with `after` = ' +
            '`next_cursor`, at once while `has_more`, else after a while. Each event comes once, whatever is posted ' +
            'meanwhile, those of one account in the order in which they happened. With a filter a page may be short, even empty, ' +
            'and have more all the same.',
          querystring: eventQuery,
          response: answers({ 200: ['What was read, and where to go on.', eventPageSchema] }, [
            'invalid_request',
            'events_gone',
            'store_unavailable',
          ]),
        },
      },
      async (request) => {
        const { after, limit, ...wish } = request.query
        const places = await EventPlaces.of(store, request.ledgerId, wish)
        const position = await places.positionOf(after, 'query/after')
        const page = pageThere(await places.read(position, limit))
        return {
          items: page.events.map(eventJson),
          next_cursor: places.cursorAt(page.next),
          has_more: page.more,
        }
      },
    )

    server.get<{ Querystring: z.output<typeof streamQuery> }>(
      '/api/v1/events/stream',
      {
        // To a HEAD this would be answered without end.
        exposeHeadRoute: false,
        schema: {
          operationId: 'streamEvents',
          tags: ['Events'],
          summary: 'Be told events as they happen',
          description:
            'Server-sent events: the same events in the same order as `GET /api/v1/events`, each with its cursor as `id`. A client that ' +
            'comes back with `Last-Event-ID`, as browsers do by themselves, misses nothing. Nothing is sent for long: a ' +
            'comment every 15 seconds, with the `id` to come back to. Who takes nothing for a minute, or whose credential is ' +
            'revoked, is let go.',
          querystring: streamQuery,
          headers: streamHeaders,
          response: {
            ...answers({}, ['invalid_request', 'events_gone', 'overloaded', 'store_unavailable']),
            200: {
              description: 'Events, until either side ends it.',
              content: {
                'text/event-stream': { schema: z.string().meta({ examples: [exampleStream] }) },
              },
            },
          },
        },
      },
      async (request, reply) => {
        const { after, ...wish } = request.query
        const { ledgerId } = request
        const places = await EventPlaces.of(store, ledgerId, wish)
        const lastId = request.headers['last-event-id']
        const position =
          lastId === undefined
            ? await places.positionOf(after, 'query/after')
            : await places.positionOf(String(lastId), 'headers/last-event-id')
        // Whoever cannot go on from there is told before the stream begins.
        pageThere(await places.read(position, 1))
        const mayRead = () => request.mayStill()
        return reply
          .header('content-type', 'text/event-stream; charset=utf-8')
          .header('x-accel-buffering', 'no')
          .send(streams.open({ ledgerId, places, after: position, mayRead }))
      },
    )
  }
}
