/**
 * The endpoint that does nothing: reads whatever is sent and answers 201 with the bytes of a posted transaction. What a load
 * generator reaches against it is the generator's own limit. A process of its own; prints its address when it listens.
 */
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

const entry = (direction: string) => ({
  account_id: '01a203d6-f741-7000-8000-000000000000',
  direction,
  amount: '1.00',
  account_version: 1,
  balance_after: '1.00',
})
const answer = JSON.stringify({
  id: '01a203d6-f800-7000-8000-000000000000',
  status: 'posted',
  idempotency_key: 'nothing',
  currency: 'USD',
  entries: [entry('debit'), entry('credit')],
  created_at: '2026-01-31T12:00:00.000Z',
  posted_at: '2026-01-31T12:00:00.000Z',
})

const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => {
    response.writeHead(201, { 'content-type': 'application/json' })
    response.end(answer)
  })
})
server.listen(0, '127.0.0.1')
await once(server, 'listening')
console.log(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
