/**
 * A folder with Debian packages of another architecture unpacked into it, as `qemu-ARCH -L FOLDER` and an initramfs
 * want it. apt resolves and checks what it fetches, with settings of its own, so that the machine's stay as they are;
 * nothing of the packages is run. Kept by its contents: a second call takes what is there.
 */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debianKeyring, debianMirror } from './debian-mirror.ts'
import { mustFinish } from './finish.ts'
import { makeLinksRelative } from './relative-links.ts'

export interface RootRequest {
  /** Where roots are kept, one folder each. */
  readonly cache: string
  /** As dpkg names it: `armhf`, `mips64el`. */
  readonly architecture: string
  /** `bookworm`, `trixie`. */
  readonly suite: string
  /** With all they depend on. */
  readonly packages: readonly string[]
  say(text: string): void
}

/** What no program reads. */
const unused = ['./usr/share/doc', './usr/share/man', './usr/share/locale', './usr/share/info']
/** Debian's merged /usr: some packages say lib/…, others usr/lib/…, and both mean one folder. */
const linked = ['bin', 'sbin', 'lib', 'lib32', 'lib64']
const downloadMs = 600_000
const unpackMs = 120_000

/**
 * @returns the folder
 * @throws where apt finds no such packages, or its mirror does not answer; the message is apt's own
 */
export async function debianRoot(request: RootRequest): Promise<string> {
  const { cache, architecture, suite, packages, say } = request
  const key = createHash('sha256').update(packages.join(' ')).digest('hex').slice(0, 8)
  const folder = join(cache, `${suite}-${architecture}-${key}`)
  if (existsSync(folder)) return folder
  const work = `${folder}.${process.pid}`
  await rm(work, { recursive: true, force: true })
  try {
    say(`fetching ${packages.join(', ')} of Debian ${suite} for ${architecture} …`)
    const archives = await download(work, request)
    say(`unpacking ${archives.length} packages for ${architecture} …`)
    const root = join(work, 'root')
    await makeSkeleton(root)
    for (const archive of archives) await unpack(archive, root)
    await makeLinksRelative(root)
    await rename(root, folder)
    return folder
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** @returns the packages' files */
async function download(work: string, { architecture, suite, packages }: RootRequest): Promise<string[]> {
  const lists = join(work, 'state/lists/partial')
  const archives = join(work, 'cache/archives')
  await mkdir(lists, { recursive: true })
  await mkdir(join(archives, 'partial'), { recursive: true })
  const keyring = debianKeyring()
  const trust = keyring === null ? '' : ` signed-by=${keyring}`
  await writeFile(join(work, 'status'), '')
  await writeFile(
    join(work, 'sources.list'),
    `deb [arch=${architecture}${trust}] ${await debianMirror()} ${suite} main\n`,
  )
  const settings = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State': join(work, 'state'),
    // An empty one: nothing is there yet, so that all it takes is fetched.
    'Dir::State::status': join(work, 'status'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Architecture': architecture,
    'APT::Architectures': architecture,
    'APT::Install-Recommends': 'false',
    // The folder is ours alone, and need not be readable for apt's own user.
    'APT::Sandbox::User': process.getuid?.() === 0 ? 'root' : '',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
  }
  const options = Object.entries(settings).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  await mustFinish('apt-get', [...options, '-q', 'update'], downloadMs)
  await mustFinish(
    'apt-get',
    [...options, '-q', '--yes', '--download-only', 'install', ...packages],
    downloadMs,
  )
  const names = await readdir(archives)
  return names
    .filter((name) => name.endsWith('.deb'))
    .sort()
    .map((name) => join(archives, name))
}

async function makeSkeleton(root: string): Promise<void> {
  for (const name of linked) {
    await mkdir(join(root, 'usr', name), { recursive: true })
    await symlink(`usr/${name}`, join(root, name))
  }
}

async function unpack(archive: string, root: string): Promise<void> {
  const plain = `${archive}.folder`
  await mustFinish('dpkg-deb', ['--extract', archive, plain], unpackMs)
  for (const path of unused) await rm(join(plain, path), { recursive: true, force: true })
  for (const entry of await readdir(plain, { withFileTypes: true })) {
    if (!entry.isDirectory()) continue
    // What the skeleton has as a link goes where that leads: a folder in its place would hide the other half.
    const target = linked.includes(entry.name) ? join(root, 'usr', entry.name) : join(root, entry.name)
    await mkdir(target, { recursive: true })
    await mustFinish('cp', ['-a', `${join(plain, entry.name)}/.`, target], unpackMs)
  }
  await rm(plain, { recursive: true, force: true })
}
