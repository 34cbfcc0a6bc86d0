import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { monitoringFiles } from './monitoring/files.ts'

// Writes the dashboard for Grafana and the alert rules for Prometheus from the list of metrics that the service registers.
const root = fileURLToPath(new URL('..', import.meta.url))
await mkdir(join(root, 'monitoring'), { recursive: true })
for (const { path, text } of monitoringFiles()) {
  await writeFile(join(root, path), text)
  console.log(path)
}
