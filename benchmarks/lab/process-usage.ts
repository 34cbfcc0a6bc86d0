import { readFile } from 'node:fs/promises'
import { childrenOf } from '../../scripts/provision/process-tree.ts'

/** Ticks of the processor's clock in a second, as Linux tells them to programs everywhere. */
const ticksPerS = 100

/** What a process has used of the processor, in seconds: by itself, and by children that have ended and were waited for. */
export interface ProcessorTime {
  readonly own: number
  readonly endedChildren: number
}

/** Reads one line of `/proc/PID/stat`: the name may hold spaces and brackets, so counting begins after the last one. */
export function processorTimeIn(stat: string): ProcessorTime {
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  const seconds = (index: number) => Number(fields[index]) / ticksPerS
  return { own: seconds(11) + seconds(12), endedChildren: seconds(13) + seconds(14) }
}

/** Seconds of processor time that a process and its children have used, ended ones included; 0 where Linux's `/proc` is not. */
export async function processorSeconds(pid: number): Promise<number> {
  const mine = await readStat(pid)
  if (mine === undefined) return 0
  const children = await Promise.all((await childrenOf(pid)).map(readStat))
  const running = children.reduce((sum, child) => sum + (child?.own ?? 0), 0)
  return mine.own + mine.endedChildren + running
}

/** What programs that we have run to their end have used, in seconds. */
export async function endedChildrenSeconds(): Promise<number> {
  return (await readStat(process.pid))?.endedChildren ?? 0
}

/** Memory that a process holds, in MiB; undefined where Linux's `/proc` is not. */
export async function residentMemoryMib(pid: number): Promise<number | undefined> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8').catch(() => '')
  const kib = /^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]
  return kib === undefined ? undefined : Number(kib) / 1024
}

async function readStat(pid: number): Promise<ProcessorTime | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)
  return stat === undefined ? undefined : processorTimeIn(stat)
}
