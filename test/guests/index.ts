/**
 * Test guests: core modules in WAT, made into components with the repository's own wit/ (world `sensor-app`, or `change-app`), or
 * with the world beside them (`NAME.wit`, self-contained). Built once, kept in build/guests by their sources.
 */
import { componentEmbed, componentNew, parse } from '@bytecodealliance/jco-transpile/wasm-tools'
import { _setPreopens } from '@bytecodealliance/preview2-shim/filesystem'
import { mkdir, readdir, readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { digestOf } from '../../core/index.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const witFolder = fileURLToPath(new URL('../../wit', import.meta.url))
const builtFolder = fileURLToPath(new URL('../../build/guests', import.meta.url))

export type GuestName =
  | 'echo'
  | 'relay'
  | 'loop'
  | 'trap'
  | 'trap-always'
  | 'overflow'
  | 'grow'
  | 'flood'
  | 'start-loop'
  | 'large'
  | 'simd'
  | 'unknown'
  | 'wasi'
  | 'hello-http'
  | 'relay-http'
  | 'endless-http'
  | 'fetch-http'
  | 'pry'
  | 'counter'
  | 'first-folder'
  | 'change'
  | 'numbers'

/** The component's bytes. */
export async function guest(name: GuestName): Promise<Uint8Array> {
  const wat = await readFile(join(folder, `${name}.wat`), 'utf8')
  const wit = await readFile(join(folder, `${name}.wit`), 'utf8').catch(() => null)
  const key = digestOf(Buffer.from(`${wat}\0${wit ?? (await witSources())}`))
  const file = join(builtFolder, `${name}-${key.slice(0, 16)}.wasm`)
  const known = await readFile(file).catch(() => null)
  if (known !== null) return new Uint8Array(known)
  const bytes = await build(wat, wit, name === 'change' ? 'change-app' : 'sensor-app')
  await mkdir(builtFolder, { recursive: true })
  await writeFile(`${file}.${process.pid}`, bytes)
  await rename(`${file}.${process.pid}`, file)
  return bytes
}

/** A core module from its text, as no node takes it. */
export async function coreModule(wat: string): Promise<Uint8Array> {
  return parse(wat)
}

async function build(wat: string, wit: string | null, world: string): Promise<Uint8Array> {
  // The shim's types ask for file data; its Node.js side takes host paths.
  _setPreopens({ '/': '/' } as never) // for the tool, which reads wit/; not for any guest
  const source = wit === null ? { witPath: witFolder, world } : { witSource: wit, world: 'guest' }
  return componentNew(await componentEmbed({ binary: await parse(wat), ...source }), [])
}

async function witSources(): Promise<string> {
  const names = await readdir(witFolder, { recursive: true })
  const files = names.filter((name) => name.endsWith('.wit')).sort()
  return (await Promise.all(files.map((name) => readFile(join(witFolder, name), 'utf8')))).join('\0')
}
