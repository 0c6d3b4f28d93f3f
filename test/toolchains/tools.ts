/** The toolchains that the recipes use: how each is found, and what to install where it is not. */
import { existsSync } from 'node:fs'
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools'
import { here, Missing, root, run, versionOf } from './recipe.ts'

/** WIT packages of WASI 0.2 and the adapters from preview1 come with jco. */
const jcoLibrary = join(dirname(createRequire(import.meta.url).resolve('@bytecodealliance/jco')), '..', 'lib')

export async function probeClang(): Promise<string> {
  const remedy = 'on Debian: apt-get install clang lld wasi-libc libclang-rt-dev-wasm32'
  const version = await versionOf('clang', ['--version'], remedy)
  const asked = [
    ['-print-prog-name=wasm-ld', 'the linker wasm-ld'],
    ['-print-file-name=crt1-reactor.o', 'wasi-libc'],
  ] as const
  for (const [flag, what] of asked) {
    // clang answers with the bare name where it finds nothing.
    const path = await run('clang', ['--target=wasm32-wasi', flag])
    if (!existsSync(path)) throw new Missing(`clang has no ${what}; ${remedy}`)
  }
  return version
}

export async function probeGo(): Promise<string> {
  const version = await versionOf('go', ['version'], 'see https://go.dev/dl, 1.21 or later')
  const targets = await run('go', ['tool', 'dist', 'list'])
  if (!targets.split('\n').includes('wasip1/wasm')) {
    throw new Missing(`${version} cannot build for wasip1; install Go 1.21 or later`)
  }
  return version
}

export async function probeRust(target: string): Promise<string> {
  const version = await versionOf('rustc', ['--version'], 'see https://rustup.rs')
  const library = await run('rustc', ['--print', 'target-libdir', '--target', target]).catch(() => '')
  if (!existsSync(library))
    throw new Missing(`rustc has no target ${target}; run: rustup target add ${target}`)
  return version
}

/** Crates are fetched by a person, not by a test. */
export async function probeCrates(manifest: string): Promise<void> {
  await versionOf('cargo', ['--version'], 'see https://rustup.rs')
  try {
    const args = ['metadata', '--offline', '--locked', '--format-version=1', '--manifest-path', manifest]
    await run('cargo', [...args, '--filter-platform', 'wasm32-wasip2'])
  } catch {
    throw new Missing(`the crates are not there; run: cargo fetch --locked --manifest-path ${manifest}`)
  }
}

export function probePython(): Promise<string> {
  return versionOf('componentize-py', ['--version'], 'run: pip install componentize-py')
}

/** A package that npm has installed. */
export async function probePackage(name: string): Promise<string> {
  const file = join(root, 'node_modules', name, 'package.json')
  if (!existsSync(file)) throw new Missing(`${name} is not installed; run: npm ci`)
  const { version } = JSON.parse(await readFile(file, 'utf8')) as { version: string }
  return `${name} ${version}`
}

/** A core module of preview1 that exports the world's functions, made into a component of WASI 0.2. */
export async function wrap(core: string, world: string): Promise<Uint8Array> {
  const adapter = await readFile(join(jcoLibrary, 'wasi_snapshot_preview1.reactor.wasm'))
  const binary = await readFile(core)
  const embedded = await componentEmbed({ binary, witPath: join(root, 'wit'), world })
  return componentNew(embedded, [['wasi_snapshot_preview1', adapter]])
}

/** A folder with the world of WASI's commands and everything it includes. */
export async function layOutCommandWit(scratch: string): Promise<string> {
  const folder = join(scratch, 'wit')
  await mkdir(folder)
  await writeFile(join(folder, 'command.wit'), await readFile(join(here, 'wit', 'command.wit')))
  await symlink(join(jcoLibrary, 'wit', 'builtin', '0.2.12'), join(folder, 'deps'))
  return folder
}
