/** How much memory there is, and how much of it is left, for those who decide whether to take more of it. */
import { readFileSync } from 'node:fs'
import { freemem, totalmem } from 'node:os'
import { dirname, join } from 'node:path'

/** What new work may use without pushing anything out, in bytes: the kernel's own estimate where it makes one. */
export function availableMemoryBytes(root = '/'): number {
  const left = groupFiles(root).map(({ limit, used }) => limit - used)
  return Math.max(0, Math.min(meminfo(root, 'MemAvailable') ?? freemem(), ...left))
}

/**
 * What this process can have at most, in bytes: the memory of the machine, or less where a control group that it is in
 * (a container, a unit with `MemoryMax=`) has less.
 * @param root of the file system whose /proc and /sys are read
 */
export function memoryLimitBytes(root = '/'): number {
  const limits = groupFiles(root).map(({ limit }) => limit)
  return Math.min(meminfo(root, 'MemTotal') ?? totalmem(), ...limits)
}

function meminfo(root: string, name: 'MemTotal' | 'MemAvailable'): number | null {
  const found = new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(textOf(join(root, 'proc/meminfo')) ?? '')
  return found === null ? null : Number(found[1]) * 1_024
}

/** Where both versions of control groups keep what a group may have and has. */
const hierarchies = [
  {
    line: /^0::(\/.*)$/m,
    mount: 'sys/fs/cgroup',
    limit: 'memory.max',
    used: 'memory.current',
  },
  {
    line: /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m,
    mount: 'sys/fs/cgroup/memory',
    limit: 'memory.limit_in_bytes',
    used: 'memory.usage_in_bytes',
  },
] as const

/** Of each group around this process that has a limit. Inside a container the path may be one of the machine outside. */
function groupFiles(root: string): { readonly limit: number; readonly used: number }[] {
  const groups = textOf(join(root, 'proc/self/cgroup'))
  if (groups === null) return []
  return hierarchies.flatMap(({ line, mount, limit, used }) => {
    const path = line.exec(groups)?.[1]
    if (path === undefined) return []
    return above(path).flatMap((group) => {
      const folder = join(root, mount, group)
      const most = bytesIn(join(folder, limit))
      // A group of version 1 without a limit says a number that no machine has.
      if (most === null || most > Number.MAX_SAFE_INTEGER / 2) return []
      return [{ limit: most, used: bytesIn(join(folder, used)) ?? 0 }]
    })
  })
}

/** The path and all above it, `/` the last. */
function above(path: string): string[] {
  const parent = dirname(path)
  return parent === path ? [path] : [path, ...above(parent)]
}

/** null where there is no such file, or it holds no number (`max`). */
function bytesIn(path: string): number | null {
  const text = textOf(path)?.trim() ?? ''
  return /^\d+$/.test(text) ? Number(text) : null
}

function textOf(path: string): string | null {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    // Not Linux, or not to be read here.
    return null
  }
}
