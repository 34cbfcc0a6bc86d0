import { price, type Priced, type Pricing, type RequestedEntry } from './command.ts'
import type { Currencies } from './currency.ts'
import { amountFault } from './money.ts'
import { refuse, type Refusal } from './refusal.ts'
import type { WishedPart } from './special-wish.ts'

/**
 * Judges all of a wished part that needs nothing but what its target is: its amount, or the entries as they were given. The
 * result's entries are those that were given. Pure.
 */
export function pricePart(
  part: WishedPart,
  target: Pick<Priced, 'currency' | 'currencies'>,
  given: readonly RequestedEntry[],
  known: Currencies,
): Pricing {
  const { currency } = target
  if (part.of === 'entries') return price({ currency: currency.code, entries: given }, known)
  const refusal = part.of === 'rest' ? undefined : faultOf(part.amount, target)
  return refusal === undefined
    ? { ok: true, currency, currencies: null, entries: [] }
    : { ok: false, refusal }
}

/** An amount is one figure: over several currencies nobody can say what it means. */
function faultOf(
  amount: string,
  { currency, currencies }: Pick<Priced, 'currency' | 'currencies'>,
): Refusal | undefined {
  if (currencies !== null) return refuse('amount_ambiguous')
  const fault = amountFault(amount, currency.exponent)
  return fault === undefined ? undefined : refuse(fault)
}
