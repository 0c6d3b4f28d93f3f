/**
 * Network namespaces as this lab names and removes them. The bridge lives in a namespace of its own, so that deleting
 * the namespaces removes every interface, and the machine's own network is never touched.
 *
 * A name carries the process that made it and that process's start, so that what a killed run left behind is told
 * from what another run still uses.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'

const prefix = 'selvedge-lab'
const commandMs = 10_000

/** @returns why there can be no lab here; null where there can */
export function labObstacle(): string | null {
  if (process.platform !== 'linux') return 'network namespaces are of Linux, and this is another system'
  if (process.getuid?.() !== 0) return 'making network namespaces takes root'
  for (const [tool, found] of Object.entries({ ip: 'iproute2', tc: 'iproute2', nft: 'nftables' })) {
    if (spawnSync(tool, ['-V'], { stdio: 'ignore', timeout: commandMs }).error !== undefined) {
      return `there is no ${tool} here (Debian: apt install ${found})`
    }
  }
  const name = namespaceName('trial')
  const made = spawnSync('ip', ['netns', 'add', name], { encoding: 'utf8', timeout: commandMs })
  if (made.status !== 0) return `this machine allows no network namespaces: ${made.stderr.trim()}`
  removeNamespace(name)
  return null
}

let count = 0

/** A name that no other namespace has, on this machine and in this run. */
export function namespaceName(role: string): string {
  count += 1
  return `${prefix}-${process.pid}-${startOf(process.pid)}-${count}-${role}`
}

/** Runs `ip` or `tc` to its end. @throws what it complained of */
export function net(tool: 'ip' | 'tc', args: readonly string[]): string {
  const { status, stdout, stderr, error } = spawnSync(tool, args, { encoding: 'utf8', timeout: commandMs })
  if (status === 0) return stdout
  throw new Error(`${tool} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

/** Ends what runs in a namespace, and deletes it with all its interfaces. Says nothing where it is gone already. */
export function removeNamespace(name: string): void {
  const pids = spawnSync('ip', ['netns', 'pids', name], { encoding: 'utf8', timeout: commandMs })
  for (const pid of pids.status === 0 ? pids.stdout.split('\n').map(Number).filter(Boolean) : []) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // It ended by itself meanwhile.
    }
  }
  spawnSync('ip', ['netns', 'del', name], { stdio: 'ignore', timeout: commandMs })
}

/** Removes what runs left that are no more. @returns the names of what it removed */
export function sweepNamespaces(): string[] {
  const stale = namespaces().filter((name) => {
    const [pid, start] = name.slice(prefix.length + 1).split('-')
    return startOf(Number(pid)) !== start
  })
  for (const name of stale) removeNamespace(name)
  return stale
}

/** Those of all labs on this machine. */
export function namespaces(): string[] {
  return net('ip', ['netns', 'list'])
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((name) => name.startsWith(`${prefix}-`))
}

/** When a process began, in the kernel's ticks; null where there is none. */
function startOf(pid: number): string | null {
  try {
    // The name of the program may hold spaces; what follows its bracket does not.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
