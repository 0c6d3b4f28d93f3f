/**
 * What the board boots: Debian's kernel and device tree for it, an initramfs with the drivers of its chips, and an SD card
 * with Node.js, our package and a shell. All of it is made from packages, without root and without running any of them.
 */
import { chmodSync, existsSync, readFileSync, readdirSync, symlinkSync } from 'node:fs'
import { cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { debianRoot, mustFinish } from '../foreign/index.ts'
import { cpioOf, type CpioEntry } from './cpio.ts'
import { modulesFor } from './kernel-modules.ts'

export interface Kernel {
  readonly image: string
  readonly deviceTree: string
  readonly initramfs: string
  readonly version: string
}

export interface ImageOptions {
  /** The checkout. */
  readonly root: string
  /** Where what is downloaded and made stays for the next time. */
  readonly cache: string
  say(text: string): void
}

const architecture = 'armhf'
const suite = 'bookworm'
/** An emulated SD card has a power of two of bytes. */
const cardSize = '512M'
const cardMs = 120_000
const scripts = 'test/board'
/** Of the tools that make an initramfs, one of which the kernel's package asks for, the smallest: we make our own. */
const kernelPackages = ['linux-image-armmp', 'tiny-initramfs', 'busybox-static']

/** GPIO, which the card's supply takes as well; network with its chip; the card, its file system and the sums of that. */
const modules = [
  'gpio-aspeed',
  'gpio-regulator',
  'mdio-aspeed',
  'ftgmac100',
  'sdhci-of-aspeed',
  'mmc_block',
  'ext4',
  'crc32c_generic',
] as const

/** Debian's kernel of the release, and what it needs to get at the card. */
export async function makeKernel({ root, cache, say }: ImageOptions): Promise<Kernel> {
  const debian = await debianRoot({ cache, architecture, suite, packages: kernelPackages, say })
  const version = readdirSync(join(debian, 'usr/lib/modules'))[0] ?? ''
  const initramfs = join(cache, 'initramfs.cpio')
  await writeFile(initramfs, cpioOf(initramfsOf(debian, version, join(root, scripts, 'initramfs.sh'))))
  return {
    version,
    initramfs,
    image: join(debian, `boot/vmlinuz-${version}`),
    deviceTree: join(debian, `usr/lib/linux-image-${version}/aspeed-ast2600-evb.dtb`),
  }
}

function initramfsOf(debian: string, version: string, script: string): CpioEntry[] {
  const loaded = modulesFor(join(debian, 'usr/lib/modules', version), modules)
  const names = loaded.map(({ path }) => basename(path))
  return [
    { path: 'bin', kind: 'folder' },
    {
      path: 'bin/busybox',
      kind: 'file',
      isProgram: true,
      content: readFileSync(join(debian, 'usr/bin/busybox')),
    },
    { path: 'modules', kind: 'folder' },
    ...loaded.map(({ path }): CpioEntry => {
      return { path: `modules/${basename(path)}`, kind: 'file', content: readFileSync(path) }
    }),
    { path: 'modules/order', kind: 'file', content: `${names.join('\n')}\n` },
    { path: 'init', kind: 'file', isProgram: true, content: readFileSync(script) },
  ]
}

/**
 * Node.js and libgpiod's programs for the board, from Debian, and a shell.
 * @returns the folder, also a system root for the cross compiler
 */
export function makeSystem({ cache, say }: Omit<ImageOptions, 'root'>): Promise<string> {
  const packages = ['nodejs', 'busybox-static', 'gpiod', 'libnode-dev']
  return debianRoot({ cache, architecture, suite, packages, say })
}

export interface CardOptions {
  /** As `makeSystem` made it. */
  readonly system: string
  /** The checkout. */
  readonly root: string
  /** A folder with our package, unpacked: `usr/bin/selvedge` and the rest. */
  readonly package: string
  /** A folder whose `node_modules` has the addons that were built for the board. */
  readonly addons: string
  /** What is made. */
  readonly image: string
  /** Where the card's content is put together. */
  readonly work: string
}

/** Only for whoever builds. */
const left = ['usr/include']

/** Makes the SD card: one file system with everything. @throws what mkfs.ext4 complained of */
export async function makeCard(options: CardOptions): Promise<void> {
  const { system, root, work, image } = options
  await rm(work, { recursive: true, force: true })
  await mkdir(work, { recursive: true })
  const skipped = new Set(left.map((path) => join(system, path)))
  await cp(system, work, {
    recursive: true,
    verbatimSymlinks: true,
    filter: (path) => !skipped.has(path) && !/\/lib\/[^/]+\/[^/]+\.a$/.test(path),
  })
  for (const path of ['dev', 'proc', 'sys', 'tmp', 'run', 'root', 'data', 'etc'])
    await mkdir(join(work, path), { recursive: true })
  addShell(work)
  await cp(options.package, work, { recursive: true })
  await cp(options.addons, join(work, 'data/selvedge/addons'), { recursive: true })
  await writeFile(join(work, 'etc/passwd'), 'root:x:0:0:root:/root:/bin/sh\n')
  await writeFile(join(work, 'etc/group'), 'root:x:0:\n')
  for (const [file, path] of [
    ['init.sh', 'usr/sbin/init'],
    ['start-node.sh', 'usr/bin/start-node'],
  ] as const)
    await program(join(work, path), readFileSync(join(root, scripts, file), 'utf8'))
  await rm(image, { force: true })
  // Tables of the file system are made while it is used: a card of zeros needs no more.
  const made = ['-q', '-F', '-E', 'root_owner=0:0,lazy_itable_init=1,lazy_journal_init=1', '-d', work]
  await mustFinish('mkfs.ext4', [...made, image, cardSize], cardMs)
}

async function program(path: string, text: string): Promise<void> {
  await rm(path, { force: true })
  await writeFile(path, text)
  chmodSync(path, 0o755)
}

/** The names by which the shell's programs are called. */
function addShell(work: string): void {
  const names = `sh mount umount hostname ip seq sleep usleep cat echo ls ps kill date sync awk grep sed head tail
    mkdir rm cp mv ln stty setsid tr cut sort wc uptime free df dmesg poweroff test [ env id chmod vi find basename`
  for (const name of names.split(/\s+/)) {
    const path = join(work, 'usr/bin', name)
    if (!existsSync(path)) symlinkSync('busybox', path)
  }
}
