import type { IncomingMessage } from 'node:http'

/** How much of a refused body is read and forgotten, and how long. */
const bytesMax = 16 * 1024 * 1024
const waitMsMax = 1000

/**
 * Calls back once a request's body has been read and forgotten, at once if it has been read already. A connection that is
 * closed over unread bytes is reset, and the client, still sending, never sees why. RFC 9112, 9.6.
 */
export function afterUnreadBody(request: IncomingMessage, then: () => void): void {
  if (request.complete || request.destroyed) {
    then()
    return
  }
  let bytes = 0
  const count = (chunk: Buffer) => {
    bytes += chunk.length
    if (bytes > bytesMax) done()
  }
  const done = () => {
    clearTimeout(deadline)
    request.off('data', count).off('end', done).off('close', done).off('error', done)
    then()
  }
  const deadline = setTimeout(done, waitMsMax)
  request.on('data', count).on('end', done).on('close', done).on('error', done).resume()
}
