import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { latencyChart } from './chart.ts'
import { markdownOf } from './markdown.ts'
import type { Result } from './result.ts'

const folder = fileURLToPath(new URL('../results/', import.meta.url))

/**
 * Writes a result as `<date>-<commit>.json` and `.md`, with an SVG when latency was measured against rate; `what` is added to
 * the name when not everything was measured. Gives the path of the page.
 */
export async function writeResult(result: Result, what: string): Promise<string> {
  await mkdir(folder, { recursive: true })
  const { date = '', commit = '', machine = '' } = result.facts
  const name = [date, commit, what].filter(Boolean).join('-')
  const charts: string[] = []
  const rates = result.tables.find((table) => table.name === 'rates')
  if (rates !== undefined) {
    charts.push(`${name}.svg`)
    await writeFile(`${folder}${name}.svg`, latencyChart(rates, `${date}, ${commit}, ${machine}`))
  }
  await writeFile(`${folder}${name}.json`, `${JSON.stringify(result, null, 2)}\n`)
  await writeFile(`${folder}${name}.md`, markdownOf(result, charts))
  return `${folder}${name}.md`
}

/** Reads a result that was written as JSON. Throws when it is none. */
export async function readResult(path: string): Promise<Result> {
  const result = JSON.parse(await readFile(path, 'utf8')) as Partial<Result>
  if (!Array.isArray(result.tables) || result.facts === undefined) {
    throw new Error(`${path} is no result of npm run bench`)
  }
  return result as Result
}
