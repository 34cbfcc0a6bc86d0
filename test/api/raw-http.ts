import { connect } from 'node:net'

/** An answer as it came over the wire. */
export interface RawAnswer {
  readonly status: number
  /** Names in lower case; of a header sent twice, the last value. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
  /** All of it, status line included: what must not hold a value of the request. */
  readonly text: string
}

/** A request in the parts that a test varies; everything else is what an ordinary client sends. */
export interface RequestParts {
  readonly headers?: Readonly<Record<string, string | Buffer | readonly string[] | null>>
  /** Text and bytes are sent as they are, anything else as JSON. */
  readonly body?: unknown
}

const deadlineMs = 10_000

/** Writes a request byte for byte; a header that is null is left out, one with a list is sent once for each value. */
export function requestBytes(method: string, path: string, parts: RequestParts = {}): Buffer {
  const body = bytesOf(parts.body)
  const headers = {
    host: 'ledger.test',
    connection: 'close',
    ...(body === undefined
      ? {}
      : { 'content-type': 'application/json', 'content-length': String(body.length) }),
    ...parts.headers,
  }
  const lines = Object.entries(headers).flatMap(([name, value]) =>
    value === null
      ? []
      : [value].flat().map((one) => Buffer.concat([Buffer.from(`${name}: `), bytesOf(one), crlf])),
  )
  return Buffer.concat([
    Buffer.from(`${method} ${path} HTTP/1.1\r\n`),
    ...lines,
    crlf,
    body ?? Buffer.alloc(0),
  ])
}

const crlf = Buffer.from('\r\n')

function bytesOf(value: string | Buffer): Buffer
function bytesOf(value: unknown): Buffer | undefined
function bytesOf(value: unknown): Buffer | undefined {
  if (value === undefined || Buffer.isBuffer(value)) return value
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
}

/** Wraps a body in chunks of the chunked transfer coding. RFC 9112, section 7.1. */
export function chunked(body: string, chunkSize: number): string {
  const chunks: string[] = []
  for (let at = 0; at < body.length; at += chunkSize) {
    const chunk = body.slice(at, at + chunkSize)
    chunks.push(`${chunk.length.toString(16)}\r\n${chunk}\r\n`)
  }
  return `${chunks.join('')}0\r\n\r\n`
}

/**
 * Sends bytes on a connection of their own and gives all answers that come back until the service closes it. `sent` says
 * whether the client has nothing more to say and ends its side too.
 */
export function exchange(
  port: number,
  bytes: Buffer,
  options: { readonly endAfterwards?: boolean } = {},
): Promise<RawAnswer[]> {
  return new Promise((resolve, reject) => {
    const received: Buffer[] = []
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    const deadline = setTimeout(() => {
      socket.destroy(new Error(`the service did not close the connection in ${deadlineMs} ms`))
    }, deadlineMs)
    socket.on('data', (data) => received.push(data))
    socket.on('error', (error) => {
      clearTimeout(deadline)
      reject(error)
    })
    socket.on('end', () => socket.end())
    socket.on('close', () => {
      clearTimeout(deadline)
      resolve(answersIn(Buffer.concat(received)))
    })
    if (options.endAfterwards === true) socket.end(bytes)
    else socket.write(bytes)
  })
}

/** Reads all answers in what came over one connection. */
function answersIn(received: Buffer): RawAnswer[] {
  const answers: RawAnswer[] = []
  let rest = received.toString('latin1')
  while (rest.length > 0) {
    const headEnd = rest.indexOf('\r\n\r\n')
    if (headEnd === -1) throw new Error(`not an answer of HTTP: ${rest.slice(0, 200)}`)
    const [statusLine = '', ...lines] = rest.slice(0, headEnd).split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(statusLine)?.[1])
    const headers = new Map(
      lines.map((line) => {
        const colon = line.indexOf(':')
        return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const
      }),
    )
    const bodyStart = headEnd + 4
    const length = Number(headers.get('content-length') ?? rest.length - bodyStart)
    const text = rest.slice(0, bodyStart + length)
    const body = Buffer.from(rest.slice(bodyStart, bodyStart + length), 'latin1').toString()
    answers.push({ status, headers, body, text })
    rest = rest.slice(bodyStart + length)
  }
  return answers
}
