import { setImmediate as turn } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { GroupCommit } from '../../shared/engine/group-commit.ts'
import { Unavailable } from '../../shared/engine/store-failure.ts'

/** A batch that was started, and the ways to end it. */
interface Batch {
  readonly members: readonly number[]
  readonly answer: () => void
  readonly fail: (reason: Error) => void
}

/** Group commit over batches that end when the test says so. Each member is answered with its double. */
function group({ batchSizeMax = 500, batchesMax = 1, turnsBefore = 1, weightMax = Infinity } = {}) {
  const batches: Batch[] = []
  const commit = new GroupCommit<number, number>({
    batchSizeMax,
    batchesMax,
    turnsBefore,
    weight: { of: (member) => member, max: weightMax },
    flush: (members) =>
      new Promise((resolve, reject) => {
        const answer = () =>
          resolve(members.map((member) => ({ status: 'fulfilled', value: member * 2 })))
        batches.push({ members, answer, fail: reject })
      }),
  })
  /** Submits several in one turn and ends it, so that what may start has started. */
  const submit = async (...members: number[]) => {
    const answers = members.map((member) => commit.submit(member))
    // A rejection is looked at later; until then it is not unhandled.
    for (const answer of answers) answer.catch(() => undefined)
    await turn()
    return { answers }
  }
  const end = async (batch: number) => {
    batches[batch]?.answer()
    await turn()
    await turn()
  }
  return { commit, batches, submit, end, started: () => batches.map(({ members }) => members) }
}

const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index)

describe('group commit', () => {
  it('starts a lone member at once', async () => {
    const { submit, end, started } = group()
    const {
      answers: [answer],
    } = await submit(1)
    expect(started()).toEqual([[1]])
    await end(0)
    expect(await answer).toBe(2)
  })

  it('makes one batch of all that arrive in one turn', async () => {
    const { submit, started } = group()
    await submit(1, 2, 3)
    expect(started()).toEqual([[1, 2, 3]])
  })

  it('makes the next batch of what arrives while one is under way', async () => {
    const { submit, end, started } = group()
    await submit(1)
    await submit(2)
    await submit(...range(3, 50))
    expect(started()).toEqual([[1]])
    await end(0)
    expect(started()).toEqual([[1], range(2, 50)])
  })

  it('waits as many turns as it is told to, for more members', async () => {
    const { submit, started } = group({ turnsBefore: 3 })
    await submit(1)
    await submit(2)
    expect(started()).toEqual([])
    await submit(3)
    expect(started()).toEqual([[1, 2, 3]])
  })

  it('keeps the order of arrival when it must cut', async () => {
    const { submit, end, started } = group({ batchSizeMax: 4 })
    await submit(...range(1, 10))
    await end(0)
    await end(1)
    expect(started()).toEqual([range(1, 4), range(5, 8), range(9, 10)])
  })

  it('cuts before a batch weighs too much, and lets a heavy member go by itself', async () => {
    const { submit, end, started } = group({ weightMax: 10 })
    await submit(4, 6, 1, 11, 2, 3)
    for (let batch = 0; batch < 4; batch += 1) await end(batch)
    expect(started()).toEqual([[4, 6], [1], [11], [2, 3]])
  })

  it('starts a second batch beside the first when eight wait, not when seven do', async () => {
    const { submit, started } = group({ batchesMax: 2 })
    await submit(1)
    await submit(...range(2, 8))
    expect(started()).toEqual([[1]])
    await submit(9)
    expect(started()).toEqual([[1], range(2, 9)])
  })

  it('never has more batches under way than it may', async () => {
    const { submit, end, started } = group({ batchesMax: 2 })
    await submit(1)
    await submit(...range(2, 9))
    await submit(...range(10, 99))
    expect(started()).toHaveLength(2)
    await end(1)
    expect(started()).toEqual([[1], range(2, 9), range(10, 99)])
  })

  it('answers each member for itself', async () => {
    const { commit, submit, batches, end } = group()
    const { answers } = await submit(...range(1, 5))
    expect(commit.waiting).toBe(0)
    await end(0)
    expect(await Promise.all(answers)).toEqual([2, 4, 6, 8, 10])
    expect(batches).toHaveLength(1)
  })

  it('tells all members of a batch that fails, and goes on with the next', async () => {
    const { submit, batches, end } = group()
    const { answers } = await submit(1, 2)
    const {
      answers: [next],
    } = await submit(3)
    batches[0]?.fail(new Error('the store is on fire'))
    await turn()
    await turn()
    for (const answer of answers) await expect(answer).rejects.toThrow('the store is on fire')
    await end(1)
    expect(await next).toBe(6)
  })

  it('says so when a batch leaves a member without an answer', async () => {
    const commit = new GroupCommit<number, number>({
      batchSizeMax: 10,
      batchesMax: 1,
      turnsBefore: 1,
      flush: () => Promise.resolve([{ status: 'fulfilled', value: 2 }]),
    })
    const [first, second] = [commit.submit(1), commit.submit(2)]
    await expect(second).rejects.toThrow('without an answer')
    expect(await first).toBe(2)
  })

  it('refuses more than 20,000 that wait', async () => {
    const { commit, submit } = group()
    await submit(0)
    await submit(...range(1, 20_000))
    expect(commit.waiting).toBe(20_000)
    await expect(commit.submit(20_001)).rejects.toMatchObject({ code: 'overloaded' })
  })

  describe('when a batch takes long', () => {
    beforeEach(() => {
      vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    })
    afterEach(() => {
      vi.useRealTimers()
    })

    it('tells who has waited a second to come back, and does nothing for them', async () => {
      const { commit, submit, started, end } = group()
      await submit(1)
      const {
        answers: [early],
      } = await submit(2)
      await vi.advanceTimersByTimeAsync(600)
      const {
        answers: [late],
      } = await submit(3)
      expect(commit.waiting).toBe(2)

      await vi.advanceTimersByTimeAsync(650)
      await expect(early).rejects.toEqual(new Unavailable('overloaded', 1))
      expect(commit.waiting).toBe(1)
      await end(0)
      await end(1)
      expect(await late).toBe(6)
      expect(started()).toEqual([[1], [3]])
    })

    it('waits for those whose batch has started, however long it takes', async () => {
      const { submit, end } = group()
      const {
        answers: [answer],
      } = await submit(1)
      await vi.advanceTimersByTimeAsync(60_000)
      await end(0)
      expect(await answer).toBe(2)
    })
  })
})
