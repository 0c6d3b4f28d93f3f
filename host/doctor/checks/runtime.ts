/** Node.js, memory, and how many files the program may open. */
import { readFile } from 'node:fs/promises'
import { totalmem } from 'node:os'
import { supportedFeatures } from '../../engine/index.ts'
import type { Check, Finding } from '../contract.ts'

/** The oldest that the program is tested on. */
const oldest = [18, 20] as const
/** An idle node with a small app takes 60 to 80 MB. */
const littleMb = 100
const fewFiles = 1_024

/** @param version as `process.versions.node` has it */
export function judgeVersion(version: string, features: readonly string[]): Finding {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  const isOld = major < oldest[0] || (major === oldest[0] && minor < oldest[1])
  const runs = features.length === 0 ? 'no WebAssembly feature beyond the first' : features.join(', ')
  if (!isOld) return { level: 'fine', what: `Node.js ${version}, WebAssembly with ${runs}` }
  return {
    level: 'wrong',
    code: 'ERR_DOCTOR_RUNTIME',
    what: `Node.js ${version} is older than ${oldest.join('.')}`,
    fix: 'install Node.js 20 or later; 18.20 is the oldest that works',
  }
}

/** @param meminfo text of /proc/meminfo; null where the system has none */
export function judgeMemory(meminfo: string | null, totalBytes: number): Finding {
  const available = /^MemAvailable:\s+(\d+) kB$/m.exec(meminfo ?? '')?.[1]
  const totalMb = Math.round(totalBytes / 1e6)
  if (available === undefined) return { level: 'fine', what: `${totalMb} MB of memory` }
  const freeMb = Math.round((Number(available) * 1_024) / 1e6)
  const what = `${freeMb} MB of ${totalMb} MB of memory are free`
  if (freeMb >= littleMb) return { level: 'fine', what }
  return {
    level: 'note',
    what,
    fix: `a node with a small app takes 60 to 80 MB; end something else, or expect the system to end the node`,
  }
}

/** @param limits text of /proc/self/limits; null where the system has none */
export function judgeOpenFiles(limits: string | null): readonly Finding[] {
  const soft = /^Max open files\s+(\d+)/m.exec(limits ?? '')?.[1]
  if (soft === undefined || Number(soft) >= fewFiles) return []
  return [
    {
      level: 'note',
      what: `the program may open ${soft} files and connections at once`,
      fix: `raise it to ${fewFiles} or more: LimitNOFILE= of a systemd unit, or ulimit -n before the start`,
    },
  ]
}

const textOf = (path: string): Promise<string | null> => readFile(path, 'utf8').catch(() => null)

export const runtimeCheck: Check = {
  name: 'runtime',
  summary: 'Node.js, memory, open files',
  async run() {
    return [
      judgeVersion(process.versions.node, supportedFeatures()),
      judgeMemory(await textOf('/proc/meminfo'), totalmem()),
      ...judgeOpenFiles(await textOf('/proc/self/limits')),
    ]
  },
}
