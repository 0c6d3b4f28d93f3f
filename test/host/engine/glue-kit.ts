/** Instances of test guests in this thread, from the generator's own glue or from what the engine makes of it. */
import { compileFunction } from 'node:vm'
import { outlineOf } from '../../../host/engine/component-reader.ts'
import { tighten, type TightGlue } from '../../../host/engine/glue.ts'
import { generateGlue } from '../../../host/engine/transpiler.ts'
import type { HandleTables } from '../../../host/guest/restore.ts'
import { guest, type GuestName } from '../../guests/index.ts'

export type GuestCall = (...args: unknown[]) => unknown
export type HostImports = Readonly<Record<string, Readonly<Record<string, unknown>>>>

export interface Generated {
  readonly original: string
  readonly tight: TightGlue
  readonly modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
}

export interface LoadedGuest {
  readonly exports: Readonly<Record<string, GuestCall & Record<string, GuestCall>>>
  readonly instances: readonly WebAssembly.Instance[]
  /** Undefined where the glue does not tell them. */
  readonly tables: HandleTables | undefined
}

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: HostImports,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
  takeTables?: (tables: HandleTables) => void,
) => LoadedGuest['exports'] | Promise<LoadedGuest['exports']>

const known = new Map<GuestName, Promise<Generated>>()

export function generatedOf(name: GuestName): Promise<Generated> {
  const found = known.get(name) ?? generated(name)
  known.set(name, found)
  return found
}

async function generated(name: GuestName): Promise<Generated> {
  const bytes = await guest(name)
  const { glue, modules } = await generateGlue(bytes, { isAsync: false, imports: outlineOf(bytes).imports })
  const original = Buffer.from(glue).toString('utf8')
  return { original, tight: tighten(original), modules }
}

/** @throws SyntaxError where the text is not JavaScript */
export function compileGlue(text: string): Instantiate {
  const body = text
    .replace(/^\s*export (?=function instantiate\b|const _util\b)/gm, '')
    .replaceAll('import.meta.url', "'component.js'")
  const make = compileFunction(`'use strict';\n${body}\nreturn instantiate`) as () => Instantiate
  return make()
}

export async function load(
  text: string,
  modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>,
  imports: HostImports,
): Promise<LoadedGuest> {
  const instances: WebAssembly.Instance[] = []
  let tables: HandleTables | undefined
  const exports = await compileGlue(text)(
    (name) => new WebAssembly.Module(modules.get(name)!),
    imports,
    (module, given) => {
      const instance = new WebAssembly.Instance(module, given)
      instances.push(instance)
      return instance
    },
    (given) => {
      tables = given
    },
  )
  return { exports, instances, tables }
}
