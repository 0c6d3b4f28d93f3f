/** A Debian of its own in a folder, and systemd in it as the first process of a container, without help of the host's. */
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { missingTools, mustTell, tell, type Told } from './trial.ts'

const suite = 'bookworm'
const packages = ['nodejs', 'systemd', 'systemd-sysv', 'openrc', 'passwd', 'procps']
const tools = ['debootstrap', 'unshare', 'nsenter', 'chroot']

export function lacksDebian(): string | null {
  if (process.getuid?.() !== 0) return 'root'
  const missing = missingTools(tools)
  if (missing.length > 0) return `${missing.join(', ')}: apt-get install debootstrap util-linux`
  if (mirror() === null) return 'a mirror of Debian in /etc/apt'
  return tell(['unshare', '--mount', '--pid', '--cgroup', 'true']).status === 0 ? null : 'namespaces'
}

/** The one that this machine itself installs from. */
function mirror(): string | null {
  const folder = '/etc/apt/sources.list.d'
  const lists = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder) : []).map((name) => join(folder, name)),
  ]
  const texts = lists.filter((path) => /\.(list|sources)$/.test(path) && existsSync(path))
  const found = texts.map(
    (path) =>
      /^(?:URIs:\s*|deb\s+(?:\[[^\]]*\]\s*)?)(\S*\/debian)\/?\s*/m.exec(readFileSync(path, 'utf8'))?.[1],
  )
  return found.find((url) => url !== undefined) ?? null
}

/** @returns a fresh copy in `scratch` of a root that is made once, in minutes */
export function debianRoot(root: string, scratch: string, say: (text: string) => void): string {
  const kept = join(root, `build/debian-${suite}-${packages.join('-')}.tar`)
  const folder = join(scratch, 'debian')
  mkdirSync(folder)
  if (existsSync(kept)) mustTell(['tar', 'xpf', kept, '-C', folder])
  else {
    say(`  unpacking ${suite} from packages, some minutes the first time …`)
    const include = `--include=${packages.join(',')}`
    mustTell(['debootstrap', '--variant=minbase', include, suite, folder, mirror() ?? ''])
    mustTell(['tar', 'cpf', `${kept}.new`, '-C', folder, '.'])
    mustTell(['mv', `${kept}.new`, kept])
  }
  return folder
}

/** What a container's systemd wants to find: containers.md of systemd, "Execution Environment". */
const boot = `
set -e
mount --bind "$0" "$0"
mount -t proc proc "$0/proc"
mount -t sysfs -o ro sysfs "$0/sys"
mount -t cgroup2 cgroup2 "$0/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$0/dev"
for device in "null 1 3" "zero 1 5" "full 1 7" "random 1 8" "urandom 1 9" "tty 5 0"; do
  set -- $device
  mknod -m 666 "$0/dev/$1" c "$2" "$3"
done
mkdir "$0/dev/pts" "$0/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666,mode=620 devpts "$0/dev/pts"
ln -s pts/ptmx "$0/dev/ptmx"
mount -t tmpfs tmpfs "$0/dev/shm"
mount -t tmpfs -o mode=755 tmpfs "$0/run"
mount -t tmpfs tmpfs "$0/tmp"
hostname trial
ip link set lo up
cd "$0"
mkdir -p old
pivot_root . old
umount -l old
exec env -i container=selvedge-trial PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd
`

export interface Machine {
  /** Runs a shell line inside, as root. */
  tell(line: string): Told
  stop(): void
}

/** Boots systemd in `folder`, with processes, mounts, network and control groups of its own. */
export async function bootDebian(folder: string): Promise<Machine> {
  const groups = ['/sys/fs/cgroup/unified', '/sys/fs/cgroup'].find((path) =>
    existsSync(join(path, 'cgroup.procs')),
  )
  if (groups === undefined) throw new Error('this machine has no unified control groups')
  const group = join(groups, `selvedge-trial-${process.pid}`)
  mkdirSync(group)
  const own = ['--mount', '--pid', '--uts', '--ipc', '--net', '--cgroup', '--fork', '--kill-child']
  const script = `echo $$ > "$1/cgroup.procs"; exec unshare ${own.join(' ')} --propagation private sh -c "$2" "$0"`
  const child = spawn('sh', ['-c', script, folder, group, boot], { stdio: 'ignore', detached: true })
  const machine: Machine = {
    tell(line) {
      const inside = readFileSync(`/proc/${child.pid}/task/${child.pid}/children`, 'utf8')
        .trim()
        .split(' ')[0]
      const enter = ['nsenter', '--target', inside ?? '', '-m', '-p', '-u', '-i', '-n', '-C', '--']
      const clean = ['env', '-i', 'PATH=/usr/sbin:/usr/bin:/sbin:/bin', 'HOME=/root', 'NODE_NO_WARNINGS=1']
      return tell([...enter, ...clean, 'sh', '-c', line])
    },
    stop() {
      child.kill('SIGKILL')
      for (let turn = 0; turn < 50; turn += 1) {
        try {
          for (const pid of readFileSync(join(group, 'cgroup.procs'), 'utf8')
            .trim()
            .split('\n')
            .filter(Boolean))
            process.kill(Number(pid), 'SIGKILL')
        } catch {
          // Gone by itself.
        }
        tell(['find', group, '-depth', '-type', 'd', '-exec', 'rmdir', '{}', ';'])
        if (!existsSync(group)) return
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 100)
      }
    },
  }
  for (let turn = 0; turn < 120; turn += 1) {
    await new Promise((wake) => setTimeout(wake, 500))
    if (child.exitCode !== null) break
    if (/running|degraded/.test(machine.tell('systemctl is-system-running').text)) return machine
  }
  machine.stop()
  throw new Error('systemd did not come up in a container here')
}

/** Puts a file into it. */
export function put(folder: string, name: string, bytes: Uint8Array | string): void {
  rmSync(join(folder, name), { force: true })
  writeFileSync(join(folder, name), bytes)
}
