import { z } from 'zod'
import { exponentMax } from '../ledger/currency.ts'

/** The body that registers a ledger's own currency. */
export const currencyRequest = z
  .strictObject({
    code: z
      .string()
      .regex(/^[A-Z][A-Z0-9._-]{1,23}$/, 'must be 2 to 24 of A–Z, 0–9, point, dash, underscore')
      .meta({ example: 'POINTS' }),
    exponent: z
      .int()
      .min(0, `must be from 0 to ${exponentMax}`)
      .max(exponentMax, `must be from 0 to ${exponentMax}`)
      .meta({ description: 'How many decimals its amounts have.', example: 0 }),
  })
  .meta({ id: 'CurrencyRequest', examples: [{ code: 'POINTS', exponent: 0 }] })

/** A currency as the API shows it. */
export const currencyJsonSchema = z
  .strictObject({ code: z.string(), exponent: z.int() })
  .meta({ id: 'Currency', examples: [{ code: 'POINTS', exponent: 0 }] })
