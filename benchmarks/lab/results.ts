import { execFileSync } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'

/** The machine and the commit that a figure belongs to. */
export function circumstances(more: Record<string, string> = {}): Record<string, string> {
  return {
    date: new Date().toISOString().slice(0, 10),
    commit: execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8' }).trim(),
    processor: `${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}`,
    memory: `${Math.round(totalmem() / 2 ** 30)} GiB`,
    system: `${process.platform} ${release()}`,
    node: process.version,
    ...more,
  }
}

/** Writes a result as JSON and as a Markdown table, and prints the table. Gives the path without its ending. */
export function writeResult(
  name: string,
  facts: Record<string, string>,
  rows: readonly Record<string, string | number>[],
): string {
  const folder = new URL('../results/', import.meta.url)
  mkdirSync(folder, { recursive: true })
  const base = new URL(`${facts['date'] ?? ''}-${facts['commit'] ?? ''}-${name}`, folder)
  const columns = Object.keys(rows[0] ?? {})
  const table = [
    `| ${columns.join(' | ')} |`,
    `| ${columns.map(() => '---').join(' | ')} |`,
    ...rows.map((row) => `| ${columns.map((column) => String(row[column] ?? '')).join(' | ')} |`),
  ].join('\n')
  const list = Object.entries(facts).map(([key, value]) => `- ${key}: ${value}`)
  writeFileSync(`${base.pathname}.json`, `${JSON.stringify({ facts, rows }, null, 2)}\n`)
  writeFileSync(`${base.pathname}.md`, `# ${name}\n\n${list.join('\n')}\n\n${table}\n`)
  console.log(`${list.join('\n')}\n\n${table}\n`)
  return base.pathname
}
