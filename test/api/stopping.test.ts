import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { expect, test } from 'vitest'
import { withDeadline } from '../crash/service-process.ts'
import { exchange, requestBytes } from './raw-http.ts'
import { createStore, startService } from './service.ts'

/** Far below the twelve seconds for which a stop waits for answers. */
const quicklyMs = 5000

const body = { name: 'Alice', account_type: 'liability', currency: 'USD' }
const opening = requestBytes('POST', '/api/v1/accounts', { body })

/** Connects, sends the first bytes, and gives what comes back once the service has closed the connection. */
async function open(
  port: number,
  bytes: Buffer,
): Promise<{ readonly socket: Socket; readonly closed: Promise<string> }> {
  const socket = connect({ port, host: '127.0.0.1' })
  let received = ''
  socket.on('data', (data) => {
    received += data.toString('latin1')
  })
  await once(socket, 'connect')
  if (bytes.length > 0) socket.write(bytes)
  return { socket, closed: once(socket, 'close').then(() => received) }
}

test('a service that stops closes a connection without a request at once, and serves those with a part of one', async () => {
  const { location } = await createStore('sqlite')
  const service = await startService(location)
  const silent = await open(service.port, Buffer.alloc(0))
  const inHead = await open(service.port, opening.subarray(0, 3))
  const inBody = await open(service.port, opening.subarray(0, opening.length - 5))
  // Whoever comes last is answered: the service has accepted those before and read what they sent.
  await exchange(service.port, requestBytes('GET', '/health'))

  const stopped = service.close()
  expect(await withDeadline(silent.closed, quicklyMs, 'the connection was not closed')).toBe('')
  inHead.socket.write(opening.subarray(3))
  inBody.socket.write(opening.subarray(opening.length - 5))

  expect(await inHead.closed).toMatch(/^HTTP\/1\.1 201 /)
  expect(await inBody.closed).toMatch(/^HTTP\/1\.1 201 /)
  await withDeadline(stopped, quicklyMs, 'the service did not stop')
})

test('a service that stops serves a request that has arrived and is not read yet', async () => {
  const { location } = await createStore('sqlite')
  const service = await startService(location)
  const late = await open(service.port, Buffer.alloc(0))
  await exchange(service.port, requestBytes('GET', '/health'))

  // Both in one turn of the event loop: the service, in the same process, cannot have read it before it begins to stop.
  late.socket.write(opening)
  const stopped = service.close()

  expect(await late.closed).toMatch(/^HTTP\/1\.1 201 /)
  await withDeadline(stopped, quicklyMs, 'the service did not stop')
})
