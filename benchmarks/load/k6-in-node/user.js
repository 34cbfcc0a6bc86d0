// One user: a thread that runs a k6 script's `setup` once, or its `iterate` again and again until DURATION is over.
import { readFileSync } from 'node:fs'
import { register } from 'node:module'
import { pathToFileURL } from 'node:url'
import { parentPort, workerData } from 'node:worker_threads'
import { beginIteration, counts, times } from './thread.js'

const { script, variables, setUp } = workerData

register('./modules.js', import.meta.url)
Object.assign(globalThis, { __ENV: variables, open: (path) => readFileSync(path, 'utf8') })
const { setup, iterate } = await import(pathToFileURL(script).href)

let data
if (setUp === undefined) {
  data = setup()
} else {
  const end = performance.now() + 1000 * parseFloat(variables.DURATION)
  while (performance.now() < end) {
    beginIteration()
    iterate(setUp)
  }
}
parentPort.postMessage({ kind: 'ended', data, counts, times })
