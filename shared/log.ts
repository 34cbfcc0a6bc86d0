import { pino, type Logger } from 'pino'
import pretty from 'pino-pretty'

export type { Logger }

/** Fields that may carry a secret wherever they turn up. */
const secrets = [
  'authorization',
  'cookie',
  'password',
  'secret',
  'token',
  'url',
  'connectionString',
]

/**
 * Makes the log of a process: for people on a terminal, one JSON object a line elsewhere. Secrets are redacted;
 * values of requests are never logged at all.
 */
export function createLog(level: string): Logger {
  const options = {
    level,
    redact: { paths: secrets.flatMap((name) => [name, `*.${name}`]), censor: '[redacted]' },
  }
  if (process.stdout.isTTY) {
    return pino(options, pretty({ ignore: 'pid,hostname', translateTime: 'HH:MM:ss' }))
  }
  // Written at once. What pino would write later it writes when the process exits, and where the reader of the log is gone by then,
  // it tries for ever: such a process never ended.
  return pino(options, pino.destination({ dest: process.stdout.fd, sync: true }))
}
