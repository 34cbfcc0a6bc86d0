import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { ICruiseResult, IViolation } from 'dependency-cruiser'

const FOLDERS = ['services', 'shared', 'scripts', 'benchmarks', 'test']
const CRUISER = fileURLToPath(
  new URL('../node_modules/dependency-cruiser/bin/dependency-cruise.mjs', import.meta.url),
)

/**
 * Checks the import arrows of `.dependency-cruiser.cjs`. Fails on a violation, and when a source
 * file or every import was overlooked: without a parser for TypeScript, dependency-cruiser sees
 * nothing and calls that clean.
 */
function checkArchitecture(): number {
  const folders = FOLDERS.filter((folder) => existsSync(folder))
  const { modules, summary } = cruise(folders)

  const seen = new Set(modules.map((module) => module.source))
  const unseen = folders.flatMap(sourcesIn).filter((source) => !seen.has(source))
  for (const source of unseen) console.error(`not seen: ${source}; is the parser there?`)
  for (const violation of summary.violations) console.error(sentence(violation, summary))

  const imports = summary.totalDependenciesCruised ?? 0
  const violations = summary.violations.length
  console.log(`${violations} violations in ${summary.totalCruised} modules with ${imports} imports`)
  return violations > 0 || unseen.length > 0 || imports === 0 ? 1 : 0
}

function sourcesIn(folder: string): string[] {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return files.filter((file) => file.endsWith('.ts')).map((file) => join(folder, file))
}

/**
 * A process of its own, not a call: under tsx, dependency-cruiser does not get hold of its parser.
 */
function cruise(folders: readonly string[]): ICruiseResult {
  const parameters = ['--config', '.dependency-cruiser.cjs', '--output-type', 'json', ...folders]
  const run = spawnSync(process.execPath, [CRUISER, ...parameters], {
    encoding: 'utf8',
    maxBuffer: 256 * 1024 * 1024,
  })
  if (!run.stdout.startsWith('{')) throw new Error(`dependency-cruiser failed:\n${run.stderr}`)
  return JSON.parse(run.stdout) as ICruiseResult
}

function sentence(violation: IViolation, summary: ICruiseResult['summary']): string {
  const rule = summary.ruleSetUsed?.forbidden?.find(({ name }) => name === violation.rule.name)
  const way = violation.cycle?.map(({ name }) => name) ?? [violation.to]
  return `${violation.rule.name}: ${[violation.from, ...way].join(' → ')}\n    ${rule?.comment ?? ''}`
}

process.exitCode = checkArchitecture()
