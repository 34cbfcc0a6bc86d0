import type { FastifyPluginAsync } from 'fastify'
import type { z } from 'zod'
import { eventJson, eventPageSchema, eventQuery } from '../../../shared/wire/event-json.ts'
import type { ApiContext } from '../context.ts'
import { EventPlaces, pageThere } from '../event-place.ts'
import { answers } from '../operation.ts'

/** What has happened, in order, for whoever goes through it at his own pace. */
export function eventRoutes({ store }: ApiContext): FastifyPluginAsync {
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
  }
}
