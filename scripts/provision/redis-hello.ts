import { connect } from 'node:net'

const TIMEOUT_MS = 2_000

/**
 * The process id of the Redis that answers on a port of 127.0.0.1; undefined when none does, or it
 * is still loading. A socket and one inline command: so provisioning needs no client library with
 * reconnects and queues of its own.
 */
export async function redisProcessId(port: number): Promise<number | undefined> {
  const answer = await new Promise<string>((resolve) => {
    let text = ''
    const socket = connect({ host: '127.0.0.1', port, timeout: TIMEOUT_MS })
    const done = () => {
      socket.destroy()
      resolve(text)
    }
    socket.on('connect', () => socket.write('INFO server\r\n'))
    socket.on('data', (chunk) => {
      text += chunk.toString()
      if (text.startsWith('-') || /^process_id:\d+\r$/m.test(text)) done()
    })
    socket.on('error', done).on('timeout', done).on('close', done)
  })
  const pid = /^process_id:(\d+)/m.exec(answer)?.[1]
  return pid === undefined ? undefined : Number(pid)
}
