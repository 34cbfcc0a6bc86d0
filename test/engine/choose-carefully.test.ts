import { describe, expect, it } from 'vitest'
import { chooseCarefully, deathsMax } from '../../shared/engine/choose-carefully.ts'
import type { QueuedCandidate } from '../../shared/engine/queue-store.ts'

let sequences = 0
const row = (orderingKey: string, deaths = 0): QueuedCandidate => {
  sequences += 1
  const place = { slot: 1, sequence: sequences }
  return { place, transactionId: `transaction ${sequences}`, orderingKey, deaths }
}
const rows = (count: number, deaths: number) =>
  Array.from({ length: count }, (_, n) => row(`key ${n}`, deaths))

describe('of the oldest rows of some slots', () => {
  it('all are taken at once while nobody has died of any', () => {
    const fresh = rows(1000, 0)
    expect(chooseCarefully(fresh)).toEqual({ take: fresh, park: [] })
    expect(chooseCarefully([])).toEqual({ take: [], park: [] })
  })

  it('32 are taken at once after one death, and each alone after two', () => {
    const [once, twice] = [rows(33, 1), rows(2, 2)]
    expect(chooseCarefully(once).take).toEqual(once.slice(0, 32))
    expect(chooseCarefully(twice).take).toEqual(twice.slice(0, 1))
    expect(chooseCarefully(rows(1, 3)).take).toHaveLength(1)
  })

  it('those are parked without being taken of which four have died', () => {
    const [third, fourth, fifth] = [row('a', 3), row('b', 4), row('c', 5)]
    expect(deathsMax).toBe(4)
    expect(chooseCarefully([third, fourth, fifth])).toEqual({
      take: [third],
      park: [fourth, fifth],
    })
  })

  it('those go first of which the fewest have died', () => {
    const [culprit, suspect, fresh] = [row('a', 2), row('b', 1), row('c')]
    expect(chooseCarefully([culprit, suspect, fresh]).take).toEqual([fresh])
    expect(chooseCarefully([culprit, suspect]).take).toEqual([suspect])
    expect(chooseCarefully([culprit]).take).toEqual([culprit])
  })

  it('none passes an earlier one of its ordering key', () => {
    const [culprit, behind, other] = [row('a', 4), row('a'), row('b')]
    expect(chooseCarefully([culprit, behind, other]).take).toEqual([other])
    expect(chooseCarefully([culprit, behind])).toEqual({ take: [], park: [culprit] })
    const many = [...rows(32, 1), row('last', 1), row('last', 1)]
    expect(chooseCarefully(many).take).toEqual(many.slice(0, 32))
  })
})
