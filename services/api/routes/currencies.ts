import type { FastifyPluginAsync } from 'fastify'
import { z } from 'zod'
import { currencyJsonSchema, currencyRequest } from '../../../shared/wire/currency-json.ts'
import { Problem } from '../../../shared/wire/problems.ts'
import { witnessOf } from '../audit/witness.ts'
import type { ApiContext } from '../context.ts'
import { answers } from '../operation.ts'

const none = z.strictObject({})
const currencyList = z
  .strictObject({ items: z.array(currencyJsonSchema) })
  .meta({ id: 'CurrencyList', examples: [{ items: [{ code: 'USD', exponent: 2 }] }] })

/** The units a ledger counts in: ISO 4217, and its own (points, tokens, shares). */
export function currencyRoutes({ store, currencies }: ApiContext): FastifyPluginAsync {
  return async (server) => {
    server.post<{ Body: z.output<typeof currencyRequest> }>(
      '/api/v1/currencies',
      {
        schema: {
          operationId: 'registerCurrency',
          tags: ['Currencies'],
          summary: "Register a currency of the ledger's own",
          description:
            'For good: a currency never changes. Registering it again is answered the same.',
          body: currencyRequest,
          querystring: none,
          response: answers({ 201: ['The currency.', currencyJsonSchema] }, [
            'invalid_request',
            'malformed_json',
            'request_timeout',
            'body_too_large',
            'unsupported_media_type',
            'currency_taken',
            'store_unavailable',
            'outcome_unknown',
          ]),
        },
      },
      async (request, reply) => {
        const { ledgerId, body: wished } = request
        const known = (await currencies.including(ledgerId, wished.code)).get(wished.code)
        if (known === undefined) {
          const witness = witnessOf(request, { status: 201 })
          await store.createCurrency(ledgerId, wished, Date.now(), witness)
        }
        const stands = (await currencies.including(ledgerId, wished.code)).get(wished.code)
        if (stands?.exponent !== wished.exponent) throw new Problem('currency_taken')
        return reply.code(201).send(wished)
      },
    )

    server.get(
      '/api/v1/currencies',
      {
        schema: {
          operationId: 'listCurrencies',
          tags: ['Currencies'],
          summary: 'List all currencies that the ledger knows',
          querystring: none,
          response: answers({ 200: ['All of them.', currencyList] }, [
            'invalid_request',
            'store_unavailable',
          ]),
        },
      },
      async ({ ledgerId }) => ({
        items: [...(await currencies.all(ledgerId)).values()].toSorted((a, b) =>
          a.code < b.code ? -1 : 1,
        ),
      }),
    )
  }
}
