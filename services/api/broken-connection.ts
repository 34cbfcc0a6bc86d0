import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { Problem, problemJson, type ProblemCode } from '../../shared/wire/problems.ts'

/** What Node's parser and timeouts say, in our codes. */
const codes: Readonly<Record<string, ProblemCode>> = {
  ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  HPE_HEADER_OVERFLOW: 'headers_too_large',
}

/** A first line that alone is longer than an address may be; seen only when it came in one piece. */
const endlessAddress = /^[A-Z]+ [^\n]{8192}/

/** An error as Node's parser gives it, with the bytes it stumbled over. */
interface BrokenRequest extends Error {
  readonly code?: string
  readonly rawPacket?: Buffer
}

/** A connection, with the answer in hand. Node has no public name for it, and does the same in its own handler. */
interface AnsweringSocket extends Duplex {
  readonly _httpMessage?: ServerResponse | null
}

/**
 * Answers what Node could not read as a request at all: too slow, too long, not HTTP. Node itself would answer without
 * a body. The connection is of no further use.
 *
 * A whole request that came before on the same connection is answered first: its client would else take our answer for
 * that one's, and a payment that was posted for one that was refused.
 */
export function answerBrokenConnection(error: BrokenRequest, socket: AnsweringSocket): void {
  // What else comes on it is of no interest; the parser complains of each piece.
  if (broken.has(socket)) return
  broken.add(socket)
  answerInTurn(error, socket)
}

const broken = new WeakSet<Duplex>()

function answerInTurn(error: BrokenRequest, socket: AnsweringSocket): void {
  const inHand = socket._httpMessage
  if (error.code === 'ECONNRESET' || !socket.writable || inHand?.headersSent === true) {
    socket.destroy()
    return
  }
  if (inHand?.req.complete === true) {
    inHand.once('close', () => answerInTurn(error, socket))
    return
  }
  answerOnSocket(socket, new Problem(codeOf(error)))
}

function codeOf(error: BrokenRequest): ProblemCode {
  const code = codes[error.code ?? ''] ?? 'invalid_request'
  const isAddress =
    code === 'headers_too_large' && endlessAddress.test(error.rawPacket?.toString('latin1') ?? '')
  return isAddress ? 'uri_too_long' : code
}

/** How long a client has to read its answer and close its side, before we close both. */
const lingerMs = 1000

/**
 * Writes a problem where there is no answer of Node's to write it into, and ends the connection. What the client still
 * sends is read and forgotten for a while: a connection closed over unread bytes is reset, and takes the answer with it.
 */
export function answerOnSocket(socket: Duplex, problem: Problem): void {
  const body = JSON.stringify(problemJson(problem, '/'))
  const { allow } = problem.content
  socket.on('error', () => socket.destroy())
  const linger = setTimeout(() => socket.destroy(), lingerMs)
  socket.once('close', () => clearTimeout(linger))
  socket.resume()
  socket.end(
    [
      `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? ''}`,
      'content-type: application/problem+json; charset=utf-8',
      `content-length: ${Buffer.byteLength(body)}`,
      'cache-control: no-store',
      ...(allow === undefined ? [] : [`allow: ${allow}`]),
      'connection: close',
      '',
      body,
    ].join('\r\n'),
  )
}
