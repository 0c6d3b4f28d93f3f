/** What the questions share: guests built once, our own programs bundled, and load from outside. */
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { build } from 'esbuild'
import type { EngineLimits, Isolation } from '../../host/engine/index.ts'
import type { BenchContext } from '../benchmark.ts'
import { Child } from './child.ts'
import { starlingMonkeyGuest, watGuest, type WatGuest } from './guests.ts'
import { LoadGenerator } from './load.ts'
import type { Serving } from './rivals.ts'
import type { SubjectOrder } from './subject.ts'

export interface SubjectOptions {
  readonly file: string
  readonly isolation: Isolation
  readonly fresh?: boolean
  readonly http?: 'wasi' | 'record'
  /** At most; one, where it is left out. */
  readonly instances?: number
  /** What the engine has other than a node's. */
  readonly limits?: Partial<EngineLimits>
  /** Of Node.js. */
  readonly flags?: readonly string[]
}

export class Workshop {
  readonly context: BenchContext
  /** A temporary one. */
  readonly folder: string
  readonly load: LoadGenerator
  readonly #files = new Map<string, Promise<string>>()

  private constructor(context: BenchContext, folder: string) {
    this.context = context
    this.folder = folder
    this.load = new LoadGenerator(join(folder, 'load-generator.mjs'))
  }

  static async open(context: BenchContext, folder: string): Promise<Workshop> {
    await mkdir(folder, { recursive: true })
    const programs = ['subject', 'load-generator']
    await build({
      entryPoints: programs.map((name) => join(context.root, `bench/engine/${name}.ts`)),
      outdir: folder,
      outExtension: { '.js': '.mjs' },
      bundle: true,
      platform: 'node',
      target: 'node20',
      format: 'esm',
      // Packages of CommonJS inside want a `require`.
      banner: {
        js: "import { createRequire as __make } from 'node:module'; const require = __make(import.meta.url);",
      },
      external: ['node-sqlite3-wasm'],
      logLevel: 'warning',
    })
    return new Workshop(context, folder)
  }

  /** The file of a guest. */
  guest(name: WatGuest | 'starlingmonkey'): Promise<string> {
    const known = this.#files.get(name)
    if (known !== undefined) return known
    const made = name === 'starlingmonkey' ? this.#starlingMonkey() : this.#wat(name)
    this.#files.set(name, made)
    return made
  }

  async #wat(name: WatGuest): Promise<string> {
    const file = join(this.folder, `${name}.wasm`)
    await writeFile(file, await watGuest(this.context.root, name))
    return file
  }

  #starlingMonkey(): Promise<string> {
    this.context.say('building the StarlingMonkey guest, which takes a while')
    return starlingMonkeyGuest(this.context.root, this.folder)
  }

  /** Ourselves, in a process of our own. */
  async subject({
    file,
    isolation,
    fresh = false,
    http,
    instances = 1,
    limits = {},
    flags = [],
  }: SubjectOptions): Promise<Serving> {
    const order: SubjectOrder = {
      dist: join(this.context.root, 'dist'),
      file,
      isolation,
      fresh,
      http: http ?? null,
      instances,
      limits,
    }
    const { child, found } = await Child.start({
      program: process.execPath,
      args: [...flags, join(this.folder, 'subject.mjs'), JSON.stringify(order)],
      ready: /^ready \{"port":(\d+)\}/,
    })
    return { child, port: Number(found) }
  }
}
