import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'

/** The path of the first of these folders' file of this name that we may execute, or undefined. */
export async function findProgram(
  name: string,
  folders: readonly string[] = searchPath(),
): Promise<string | undefined> {
  for (const folder of folders) {
    const path = join(folder, name)
    const executable = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    )
    if (executable) return path
  }
  return undefined
}

function searchPath(): string[] {
  return (process.env['PATH'] ?? '').split(delimiter).filter((folder) => folder !== '')
}
