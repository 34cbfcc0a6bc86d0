import { startNothing, type MeasuredProcess } from '../lab/measured-process.ts'
import { endedChildrenSeconds, processorSeconds } from '../lab/process-usage.ts'
import { rounded, type Row } from '../report/result.ts'
import type { Bench, Measurement } from './measurement.ts'
import { inSession, type Session } from './session.ts'

/** What the load generators reach against an endpoint that does nothing, and against ours: so their own cost can be seen. */
export const generators: Measurement = {
  name: 'generators',
  needs: ['k6', 'wrk'],
  run: async (bench) => {
    const nothing = await startNothing()
    try {
      const { result: rows, session } = await inSession(bench, (open) =>
        measure(bench, open, nothing),
      )
      return {
        name: 'generators',
        title: 'What the load generators cost',
        note:
          `The same requests from both, ${bench.users} connections. The endpoint that does nothing is a bare Node server that reads the request ` +
          'and answers 201 with the bytes of a posted transaction; ours posts it. Processor time: of the generator, and of the process that ' +
          'answers. Generator, service and database share the machine: what the generator takes is missing elsewhere.',
        rows,
        faults: session.faults,
        k6: session.summaries,
      }
    } finally {
      await nothing.stop()
    }
  },
}

async function measure(bench: Bench, session: Session, nothing: MeasuredProcess): Promise<Row[]> {
  const { lab, k6, users, seconds } = bench
  const { api } = session.site
  const idle = { address: nothing.address }
  const k6Load = { script: 'sync', accountsFile: lab.accountsFile, users, seconds, ...idle }
  await session.warmUp('sync')
  const loads = [
    // Past the session: what k6 counts as accepted here is in nobody's books.
    { generator: 'k6', server: nothing, run: async () => (await k6.run(k6Load)).summary.answers },
    {
      generator: 'k6',
      server: api,
      run: async () => (await session.k6('sync', { script: 'sync' })).summary.answers,
    },
    {
      generator: 'wrk',
      server: nothing,
      run: async () => (await session.wrk('nothing', idle)).requests,
    },
    { generator: 'wrk', server: api, run: async () => (await session.wrk('sync', {})).requests },
  ]
  const rows: Row[] = []
  for (const { generator, server, run } of loads) {
    const endpoint = server === api ? 'ours' : 'nothing'
    bench.tell(`${generator} against ${endpoint}`)
    const before = [await endedChildrenSeconds(), await processorSeconds(server.pid)] as const
    const requests = await run()
    const generatorS = (await endedChildrenSeconds()) - before[0]
    const serverS = (await processorSeconds(server.pid)) - before[1]
    rows.push({
      generator,
      endpoint,
      'requests a second': rounded(requests / seconds),
      'generator µs a request': rounded((generatorS * 1e6) / requests),
      'endpoint µs a request': rounded((serverS * 1e6) / requests),
    })
  }
  return rows
}
