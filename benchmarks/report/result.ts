import { execFileSync } from 'node:child_process'
import { cpus, release, totalmem } from 'node:os'

/** One line of a table. Words say what was measured, numbers are the figures. */
export type Row = Readonly<Record<string, string | number>>

/** What one measurement found. */
export interface Table {
  readonly name: string
  readonly title: string
  /** How it was measured, and what to make of it. */
  readonly note: string
  readonly rows: readonly Row[]
  /** What went wrong: errors, requests that are not in the books, books that are not clean. Empty when all is well. */
  readonly faults: readonly string[]
  /** k6's own summaries, by the load that they are of. */
  readonly k6?: Readonly<Record<string, string>>
}

/** All that one run found, as it is stored. */
export interface Result {
  readonly facts: Readonly<Record<string, string>>
  readonly tables: readonly Table[]
}

/** The day, the commit (with a mark when files differ from it) and the machine that figures belong to. */
export function circumstances(): Record<'date' | 'commit' | 'machine' | 'system' | 'node', string> {
  const git = (...parameters: string[]) =>
    execFileSync('git', parameters, { encoding: 'utf8' }).trim()
  const changed = git('status', '--porcelain', 'services', 'shared', 'package-lock.json') !== ''
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: `${git('rev-parse', '--short', 'HEAD')}${changed ? '-changed' : ''}`,
    machine: `${cpus().length} × ${cpus()[0]?.model.trim() ?? 'unknown'}, ${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}`,
    node: process.version,
  }
}

/** A figure as people read it: three digits at least, no more decimals than mean something. */
export function rounded(figure: number): number {
  const decimals = Math.abs(figure) >= 100 ? 0 : Math.abs(figure) >= 10 ? 1 : 2
  return Number(figure.toFixed(decimals))
}
