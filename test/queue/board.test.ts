import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { provisionRedis } from '../../scripts/provision/redis.ts'
import { openPeople, payment, type People } from '../support/people.ts'
import type { Service } from '../support/service.ts'
import { queues, startRedisService } from './redis-service.ts'

const waiting = { timeout: 15_000, interval: 20 }

/** What Bull Board's own API tells of a queue. */
interface BoardQueue {
  readonly name: string
  readonly description: string
  readonly readOnlyMode: boolean
  readonly jobs: readonly BoardJob[]
}

interface BoardJob {
  readonly id: string
  readonly name: string
  readonly data: { readonly slots: readonly number[] }
  readonly returnValue: Readonly<Record<string, unknown>>
}

describe('while Redis is there', () => {
  let service: Service
  let people: People

  beforeAll(async () => {
    service = await startRedisService()
    people = await openPeople(service.api)
  })
  afterAll(() => service.close())

  test('the page loads what is served here and nothing from elsewhere', async () => {
    const page = await fetch(`${service.url}/admin/queues`)
    const html = await page.text()

    expect(page.status).toBe(200)
    expect(html).toContain('<title>LedgerFlow</title>')
    expect(html).not.toMatch(/\b(?:src|href)="(?:https?:)?\/\//)
    const policy = page.headers.get('content-security-policy') ?? ''
    expect(policy).toContain(`default-src 'self'`)
    expect(policy).not.toMatch(/https?:|\*|unsafe-eval/)
    for (const [, asset = ''] of html.matchAll(/\b(?:src|href)="(static\/[^"]+)"/g)) {
      const answer = await fetch(`${service.url}/admin/queues/${asset}`)
      expect({ asset, status: answer.status }).toEqual({ asset, status: 200 })
    }
  })

  test('it shows every queue, read-only, and says which slots each rings for', async () => {
    const shown = await boardQueues(service)

    expect(shown.map(({ name }) => name).toSorted()).toEqual(
      Array.from({ length: queues }, (_, group) => `posting-${group}`),
    )
    expect(shown.every(({ readOnlyMode }) => readOnlyMode)).toBe(true)
    expect(shown.find(({ name }) => name === 'posting-3')?.description).toContain(
      'slots 3, 11 … 251 of 256',
    )
  })

  test('a job says in its name, result and log what it rang for and what came of it', async () => {
    const { queue, id } = await postAsync(service, people)

    const { job, logs } = await vi.waitFor(async () => {
      const rung = await boardQueues(service, `posting-${queue.slot % queues}`)
      const found = rung
        .find(({ name }) => name === `posting-${queue.slot % queues}`)
        ?.jobs.find(({ returnValue }) => returnValue?.['refused'] === 1)
      if (found === undefined) throw new Error('no job has told of the refusal yet')
      const path = `posting-${queue.slot % queues}/${found.id}/logs`
      const answer = await fetch(`${service.url}/admin/queues/api/queues/${path}`)
      return { job: found, logs: (await answer.json()) as string[] }
    }, waiting)

    expect(job.name).toBe(`slot ${queue.slot}`)
    expect(job.data.slots).toEqual([queue.slot])
    expect(job.returnValue).toMatchObject({
      posted: 0,
      refused: 1,
      firstSequence: queue.sequence,
      lastSequence: queue.sequence,
      stoppedBy: null,
    })
    expect(logs[0]).toMatch(/^posted 0, refused 1, parked 0 in \d+ ms$/)
    expect(logs).toContain(`refused ${id}`)
  })

  test.each([
    ['PUT', 'queues/pause'],
    ['PUT', 'queues/resume'],
    ['POST', 'queues/posting-0/add'],
    ['PUT', 'queues/posting-0/pause'],
    ['PUT', 'queues/posting-0/resume'],
    ['PUT', 'queues/posting-0/empty'],
    ['PUT', 'queues/posting-0/obliterate'],
    ['PUT', 'queues/posting-0/promote'],
    ['PUT', 'queues/posting-0/retry/completed'],
    ['PUT', 'queues/posting-0/clean/completed'],
    ['PUT', 'queues/posting-0/concurrency'],
    ['PUT', 'queues/posting-0/1/retry/completed'],
    ['PUT', 'queues/posting-0/1/clean'],
    ['PUT', 'queues/posting-0/1/promote'],
    ['PATCH', 'queues/posting-0/1/update-data'],
    ['DELETE', 'queues/posting-0/1'],
  ])('%s %s changes nothing: the board is read-only', async (method, path) => {
    const answer = await fetch(`${service.url}/admin/queues/api/${path}`, { method })

    expect([404, 405]).toContain(answer.status)
    expect(answer.headers.get('content-type')).toContain('application/problem+json')
    const { instance } = (await answer.json()) as { instance: string }
    expect(instance).not.toMatch(/\}[^/]/)
  })
})

test('without Redis the board says so at once, and works when Redis is back', async () => {
  const redis = await provisionRedis({ ownServer: true })
  onTestFinished(() => redis.stop())
  await redis.kill('SIGKILL')
  const service = await startRedisService(redis.url())
  onTestFinished(() => service.close())

  const begun = performance.now()
  const dark = await fetch(`${service.url}/admin/queues/api/queues`)

  expect(performance.now() - begun).toBeLessThan(1000)
  expect(dark.status).toBe(503)
  expect(dark.headers.get('retry-after')).toBe('5')
  expect(await dark.json()).toMatchObject({ code: 'queue_board_unavailable', retryable: true })

  await redis.restart()
  const shown = await vi.waitFor(() => boardQueues(service), waiting)
  expect(shown).toHaveLength(queues)

  // A Redis that is there and does not answer.
  await redis.kill('SIGSTOP')
  const stopped = await fetch(`${service.url}/admin/queues/api/queues`)
  await redis.kill('SIGCONT')
  expect(stopped.status).toBe(503)
  expect(stopped.headers.get('retry-after')).toBe('5')
  expect(stopped.headers.get('content-type')).toBe('application/problem+json; charset=utf-8')
  expect(await stopped.json()).toMatchObject({ code: 'queue_board_unavailable', status: 503 })
})

/** A payment that alice cannot make, asynchronously: its place in the queue, and its id. */
async function postAsync(
  { api }: Service,
  { alice, cash }: People,
): Promise<{ id: string; queue: { slot: number; sequence: number } }> {
  const answer = await api.post<{ id: string; queue: { slot: number; sequence: number } }>(
    '/api/v1/transactions?mode=async',
    payment({ debit: alice, credit: cash, amount: '1.00' }),
  )
  expect(answer.status).toBe(202)
  return answer.body
}

async function boardQueues({ url }: Service, active = 'posting-0'): Promise<BoardQueue[]> {
  const query = new URLSearchParams({ activeQueue: active, status: 'completed', jobsPerPage: '20' })
  const answer = await fetch(`${url}/admin/queues/api/queues?${query.toString()}`)
  if (!answer.ok) throw new Error(`the board answered ${answer.status}`)
  return ((await answer.json()) as { queues: BoardQueue[] }).queues
}
