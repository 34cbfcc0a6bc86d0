import { requestBytes } from '../raw-http.ts'
import {
  accepted,
  answered,
  entries,
  invalidAt,
  payment,
  transactionsPath,
  type BadRequest,
  type World,
} from './bad-request.ts'

const path = `${transactionsPath}/batch`

function badBatch(
  title: string,
  body: (world: World) => unknown,
  answer: Pick<BadRequest, 'status' | 'code' | 'pointer'>,
): BadRequest {
  return { title, bytes: (world) => requestBytes('POST', path, { body: body(world) }), ...answer }
}

const atomic = (transactions: unknown) => ({ mode: 'atomic', transactions })

/** Bodies of batches. A malformed member is a malformed batch; one that is refused on merits is so by itself. */
export const batches: readonly BadRequest[] = [
  badBatch('one member', (world) => atomic([payment(world)]), accepted),
  badBatch('no mode', (world) => ({ transactions: [payment(world)] }), invalidAt('mode')),
  badBatch(
    'an unknown mode',
    (world) => ({ mode: 'best_effort', transactions: [payment(world)] }),
    invalidAt('mode'),
  ),
  badBatch('no members', () => atomic([]), invalidAt('transactions')),
  badBatch('members that are no list', () => atomic({}), invalidAt('transactions')),
  badBatch('a member that is null', (world) => atomic([payment(world), null]), {
    ...invalidAt('transactions/1'),
  }),
  badBatch(
    'a batch within a batch',
    (world) => atomic([atomic([payment(world)])]),
    invalidAt('transactions/0/entries'),
  ),
  badBatch(
    'a number for the amount of the second member',
    (world) =>
      atomic([payment(world), payment(world, { entries: entries(world, { amount: 125 }) })]),
    invalidAt('transactions/1/entries/0/amount'),
  ),
  badBatch(
    'an unknown field in the second member',
    (world) => atomic([payment(world), payment(world, { mode: 'sync' })]),
    invalidAt('transactions/1/mode'),
  ),
  badBatch(
    'a key that is blank in the second member',
    (world) => atomic([payment(world), payment(world, { idempotency_key: ' ' })]),
    invalidAt('transactions/1/idempotency_key'),
  ),
  badBatch(
    'a key for the whole in the body',
    (world) => ({ ...atomic([payment(world)]), idempotency_key: 'k' }),
    {
      ...invalidAt('idempotency_key'),
    },
  ),
  badBatch(
    'a member without funds, in an atomic batch',
    (world) =>
      atomic([payment(world), payment(world, { entries: entries(world, { account: 'empty' }) })]),
    answered(422, 'batch_failed'),
  ),
  {
    title: 'a key for the whole that is sent twice',
    bytes: (world) =>
      requestBytes('POST', path, {
        body: atomic([payment(world)]),
        headers: { 'idempotency-key': ['a', 'b'] },
      }),
    ...invalidAt('headers/idempotency-key'),
  },
]
