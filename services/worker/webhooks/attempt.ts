import { Agent as HttpAgent, request as requestHttp, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as requestHttps } from 'node:https'
import type { LookupAddress } from 'node:dns'
import { isIP, type LookupFunction } from 'node:net'
import { callbackify } from 'node:util'
import type { TargetFault, TargetRules } from '../../../shared/webhooks/target-rules.ts'

/** Why an attempt has failed. Bounded: it is a label of a metric. */
export type AttemptFault =
  | TargetFault
  | 'timeout'
  | 'connection'
  | 'tls'
  | 'redirect'
  | 'client_error'
  | 'server_error'
  | 'gone'

/** How an attempt ended. */
export type AttemptOutcome =
  | { readonly kind: 'delivered'; readonly statusCode: number }
  | {
      readonly kind: AttemptFault
      readonly statusCode: number | null
      /** For people: what a receiver's operator can act on. Never what was answered. */
      readonly error: string
    }

/** What is sent: a body with its headers. */
export interface Message {
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** How much of an answer is read, and for how long; what it says does not matter. */
const answerBytesMax = 64 * 1024
const answerMsMax = 2000

/** How long a connection is kept for the next event: shorter than most servers keep it. */
const keepAliveMs = 4000

/**
 * Makes attempts at one endpoint, over connections of its own. The name of a target is looked up for each connection, judged, and the
 * address judged is the one connected to. Redirects are not followed.
 */
export class Attempts {
  readonly #rules: TargetRules
  readonly #timeoutMs: number
  readonly #http: HttpAgent
  readonly #https: HttpsAgent
  readonly #underWay = new Set<AbortController>()

  constructor(rules: TargetRules, timeoutMs: number) {
    const options = { keepAlive: true, keepAliveMsecs: keepAliveMs, timeout: keepAliveMs }
    this.#rules = rules
    this.#timeoutMs = timeoutMs
    this.#http = new HttpAgent(options)
    this.#https = new HttpsAgent(options)
  }

  /** Posts a message once; never rejects. Takes `timeoutMs` at the most, whatever the receiver does. */
  async post(target: URL, message: Message): Promise<AttemptOutcome | 'cut_off'> {
    const ending = new AbortController()
    const timer = setTimeout(() => ending.abort('timeout'), this.#timeoutMs)
    this.#underWay.add(ending)
    try {
      await this.#judgeLiteral(target)
      return outcomeOf(await this.#send(target, message, ending.signal))
    } catch (error) {
      const { reason } = ending.signal as { reason?: unknown }
      if (reason === 'cut_off') return 'cut_off'
      if (reason === 'timeout') return failed('timeout', `no answer within ${this.#timeoutMs} ms`)
      return faultOf(error)
    } finally {
      clearTimeout(timer)
      this.#underWay.delete(ending)
    }
  }

  /** Ends all attempts that are under way; whether they arrived is not known then. */
  cutOff(): void {
    for (const ending of this.#underWay) ending.abort('cut_off')
  }

  /** Drops the connections that are kept. */
  close(): void {
    this.#http.destroy()
    this.#https.destroy()
  }

  /** A name is judged when it is looked up; an address is connected to as it stands. */
  async #judgeLiteral(target: URL): Promise<void> {
    if (isIP(target.hostname.replace(/^\[|\]$/g, '')) === 0) return
    const found = await this.#rules.addressesOf(target)
    if (typeof found === 'string') throw new TargetRefused(found)
  }

  async #send(target: URL, message: Message, signal: AbortSignal): Promise<number> {
    try {
      return await this.#sendOnce(target, message, signal)
    } catch (error) {
      // A receiver may close a kept connection in the very moment in which it is used again.
      if (!(error instanceof ClosedWhileKept) || signal.aborted) throw error
      return this.#send(target, message, signal)
    }
  }

  /** Resolves with the status of the answer as soon as it is there. */
  #sendOnce(target: URL, { headers, body }: Message, signal: AbortSignal): Promise<number> {
    const isTls = target.protocol === 'https:'
    const options = {
      method: 'POST',
      agent: isTls ? this.#https : this.#http,
      lookup: lookupBy(this.#rules, target),
      headers: { ...headers, 'content-length': Buffer.byteLength(body) },
      signal,
    }
    return new Promise((resolve, reject) => {
      const request = (isTls ? requestHttps : requestHttp)(target, options, (answer) => {
        resolve(answer.statusCode ?? 0)
        skip(answer)
      })
      request.on('error', (error: NodeJS.ErrnoException) => {
        const wasKept = request.reusedSocket && error.code === 'ECONNRESET'
        reject(wasKept ? new ClosedWhileKept('', { cause: error }) : error)
      })
      request.end(body)
    })
  }
}

/** Reads an answer to its end, so that its connection can be used again, unless it is long or takes long. */
function skip(answer: IncomingMessage): void {
  let bytes = 0
  const late = setTimeout(() => answer.destroy(), answerMsMax)
  answer.on('close', () => clearTimeout(late))
  answer.on('error', () => undefined)
  answer.on('data', (data: Buffer) => {
    bytes += data.length
    if (bytes > answerBytesMax) answer.destroy()
  })
}

/** Looks a name up as the rules do, and gives only addresses that they allow. */
function lookupBy(rules: TargetRules, target: URL): LookupFunction {
  const look = async (all: boolean): Promise<string | LookupAddress[]> => {
    const found = await rules.addressesOf(target)
    if (typeof found === 'string') throw new TargetRefused(found)
    const [first = ''] = found
    return all ? found.map((address) => ({ address, family: isIP(address) })) : first
  }
  const lookUp = callbackify(look)
  return (_name, { all = false }, callback) => {
    lookUp(all, (error, found) => {
      if (typeof found === 'string') callback(error, found, isIP(found))
      else callback(error, found)
    })
  }
}

function outcomeOf(statusCode: number): AttemptOutcome {
  if (statusCode >= 200 && statusCode < 300) return { kind: 'delivered', statusCode }
  const error = `answered ${statusCode}`
  if (statusCode === 410) return { kind: 'gone', statusCode, error }
  if (statusCode < 400) {
    return { kind: 'redirect', statusCode, error: `${error}; redirects are not followed` }
  }
  return { kind: statusCode < 500 ? 'client_error' : 'server_error', statusCode, error }
}

function failed(kind: AttemptFault, error: string): AttemptOutcome {
  return { kind, statusCode: null, error }
}

const targetErrors: Readonly<Record<TargetFault, string>> = {
  private_address: 'the target is not a public address',
  unresolvable: 'the name of the target cannot be resolved',
  https_required: 'the target must be https',
}

function faultOf(error: unknown): AttemptOutcome {
  if (error instanceof TargetRefused) return failed(error.fault, targetErrors[error.fault])
  const { code = '' } = error as NodeJS.ErrnoException
  if (/^(CERT_|ERR_TLS|ERR_SSL|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME|EPROTO)/.test(code)) {
    return failed('tls', `no trusted connection (${code})`)
  }
  return failed('connection', code === '' ? 'no connection' : `no connection (${code})`)
}

/** The target may not be connected to. Never leaves this file. */
class TargetRefused extends Error {
  readonly fault: TargetFault

  constructor(fault: TargetFault) {
    super(targetErrors[fault])
    this.fault = fault
  }
}

/** A connection that was kept was closed by the receiver before it took the message. Never leaves this file. */
class ClosedWhileKept extends Error {}
