import type { MeasuredProcess } from './measured-process.ts'
import { residentMemoryMib } from './process-usage.ts'

const sampleMs = 500

/** Watches how much memory processes hold. */
export class MemoryWatch {
  readonly #processes: readonly MeasuredProcess[]
  readonly #samples: number[][]
  readonly #timer: NodeJS.Timeout

  constructor(processes: readonly MeasuredProcess[]) {
    this.#processes = processes
    this.#samples = processes.map(() => [])
    this.#timer = setInterval(() => {
      this.#sample().catch(() => undefined)
    }, sampleMs)
  }

  /** Ends the watch; for each process what was seen, in MiB, in the order of time. */
  end(): readonly (readonly number[])[] {
    clearInterval(this.#timer)
    return this.#samples
  }

  async #sample(): Promise<void> {
    const held = await Promise.all(this.#processes.map(({ pid }) => residentMemoryMib(pid)))
    held.forEach((mib, index) => {
      if (mib !== undefined) this.#samples[index]?.push(mib)
    })
  }
}

/** How memory went over a load, in MiB: medians of its second, middle and last tenth. */
export interface MemoryCourse {
  readonly early: number
  readonly middle: number
  readonly late: number
  readonly peak: number
  /** The last tenth held no more than a tenth more than the second one; the first one is still warming up. */
  readonly flat: boolean
}

const growthMax = 1.1

/** Judges samples in the order of time; undefined when there are too few of them to say anything. */
export function memoryCourse(samples: readonly number[]): MemoryCourse | undefined {
  if (samples.length < 20) return undefined
  const tenth = (index: number) => {
    const size = samples.length / 10
    const sorted = samples
      .slice(Math.floor(index * size), Math.floor((index + 1) * size))
      .toSorted((a, b) => a - b)
    return sorted[sorted.length >> 1] ?? 0
  }
  const [early, middle, late] = [tenth(1), tenth(5), tenth(9)]
  return { early, middle, late, peak: Math.max(...samples), flat: late <= early * growthMax }
}
