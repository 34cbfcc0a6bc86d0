import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { parse } from 'yaml'

const root = fileURLToPath(new URL('../..', import.meta.url))

/** A service of docker-compose.yml, as far as the tests look at it. */
export interface ComposeService {
  readonly image: string
  readonly build?: string
  readonly user?: string
  readonly profiles?: readonly string[]
  readonly command?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly ports?: readonly string[]
  readonly volumes?: readonly string[]
  readonly networks?: readonly string[]
  readonly tmpfs?: readonly string[]
  readonly restart?: string
  readonly read_only?: boolean
  readonly init?: boolean
  readonly cap_drop?: readonly string[]
  readonly security_opt?: readonly string[]
  readonly stop_grace_period?: string
  readonly healthcheck?: { readonly disable?: boolean; readonly test?: readonly unknown[] }
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>
  readonly deploy?: {
    readonly resources?: { readonly limits?: Readonly<Record<string, string | number>> }
  }
}

export interface Compose {
  readonly services: Readonly<Record<string, ComposeService>>
  readonly networks: Readonly<Record<string, { readonly internal?: boolean } | null>>
  readonly volumes: Readonly<Record<string, unknown>>
}

/** docker-compose.yml with its anchors filled in; variables stand as they are written. */
export async function readCompose(): Promise<Compose> {
  return parse(await readRepositoryFile('docker-compose.yml'), { merge: true }) as Compose
}

/** One instruction of a Dockerfile, its continued lines joined. */
export interface Instruction {
  readonly name: string
  readonly text: string
}

/** The Dockerfile's instructions in order, without comments. */
export async function readDockerfile(): Promise<Instruction[]> {
  const file = await readRepositoryFile('Dockerfile')
  const lines = file.replace(/^\s*#.*\n/gm, '').replace(/\\\n\s*/g, ' ')
  return lines
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => {
      const [, name = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
      return { name, text }
    })
}

/** The text of a file, by its path in the repository. */
export function readRepositoryFile(path: string): Promise<string> {
  return readFile(`${root}${path}`, 'utf8')
}

/** The commands of npm's scripts, by name. */
export async function npmScripts(): Promise<Readonly<Record<string, string>>> {
  const { scripts } = JSON.parse(await readRepositoryFile('package.json')) as {
    scripts: Record<string, string>
  }
  return scripts
}
