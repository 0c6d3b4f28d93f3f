/** Starts the program that is killed, ends it in one way or another, and looks at what it has left. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import type { Durability } from '../../host/storage/index.ts'
import { chainsOf, readAll, stateAfter, type StoreKind } from './acts.ts'
import { openStores } from './stores.ts'

const here = fileURLToPath(new URL('.', import.meta.url))
const dist = join(here, '../../dist')

/** How far each chain came. */
export interface Progress {
  readonly begun: number[]
  readonly acknowledged: number[]
}

export interface Moment {
  readonly acts: number
  readonly afterMs: number
  readonly durability: Durability
}

export interface PowerCut {
  readonly step: number
  readonly seed: number
  readonly mode: 'lost' | 'mixed'
  readonly durability?: Durability
}

export interface Outcome {
  readonly progress: Progress
  /** ms until the stores answered after the restart. */
  readonly openMs: number
}

export class CrashHarness {
  readonly folder: string
  readonly #program: string
  readonly #shim: string | null
  readonly #node: string

  private constructor(folder: string, program: string, shim: string | null, node: string) {
    this.folder = folder
    this.#program = program
    this.#shim = shim
    this.#node = node
  }

  /** @param node another one than this */
  static async make(node = process.execPath): Promise<CrashHarness> {
    const folder = await mkdtemp(join(tmpdir(), 'selvedge-crash-'))
    const program = join(folder, 'program/child.mjs')
    await build({
      entryPoints: [join(here, 'child.ts')],
      outfile: program,
      bundle: true,
      platform: 'node',
      target: 'node18',
      format: 'esm',
      inject: [join(here, '../../core/compat.ts')],
      logLevel: 'warning',
    })
    for (const file of ['storage.mjs', 'queue.mjs', 'replicas.mjs', 'node-sqlite3-wasm.wasm'])
      await copyFile(join(dist, file), join(folder, 'program', file))
    return new CrashHarness(folder, program, compileShim(join(folder, 'power-cut.so')), node)
  }

  /** Whether power can be cut here: it takes a C compiler and Linux. */
  get hasPower(): boolean {
    return this.#shim !== null
  }

  async remove(): Promise<void> {
    await rm(this.folder, { recursive: true, force: true })
  }

  /** Kills it with SIGKILL, so many ms after so many acts were acknowledged. @returns how far it came */
  kill(data: string, kind: StoreKind, from: Progress, when: Moment): Promise<Progress> {
    return this.#run(data, kind, from, { env: {}, durability: when.durability, kill: when })
  }

  /** Lets it run until the power fails before the given step. @returns how far it came */
  async cutPower(data: string, kind: StoreKind, from: Progress, cut: PowerCut): Promise<Progress> {
    const hidden = `${data}-hidden`
    await mkdir(hidden, { recursive: true })
    await mkdir(data, { recursive: true })
    const env = {
      LD_PRELOAD: this.#shim ?? '',
      POWER_DIR: data,
      POWER_HIDDEN: hidden,
      POWER_STEP: String(cut.step),
      POWER_SEED: String(cut.seed),
      POWER_MODE: cut.mode,
      UV_USE_IO_URING: '0',
    }
    try {
      const { durability = 'full' } = cut
      return await this.#run(data, kind, from, { env, durability, kill: null })
    } finally {
      await rm(hidden, { recursive: true, force: true })
    }
  }

  #run(
    data: string,
    kind: StoreKind,
    from: Progress,
    how: {
      readonly env: Readonly<Record<string, string>>
      readonly durability: Durability
      readonly kill: Moment | null
    },
  ): Promise<Progress> {
    const { env, durability, kill } = how
    const firsts = from.acknowledged.map((count) => count + 1).join(',')
    const child = spawn(this.#node, ['--no-warnings', this.#program, data, kind, durability, firsts], {
      env: { PATH: process.env['PATH'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const progress: Progress = { begun: [...from.acknowledged], acknowledged: [...from.acknowledged] }
    let [said, complaints] = ['', '']
    child.stderr.on('data', (piece: Buffer) => (complaints += piece.toString()))
    let isDoomed = false
    child.stdout.on('data', (piece: Buffer) => {
      said += piece.toString()
      if (kill === null || isDoomed || said.split('=').length <= kill.acts) return
      isDoomed = true
      setTimeout(() => child.kill('SIGKILL'), kill.afterMs)
    })
    return new Promise((resolve, reject) => {
      child.once('error', reject)
      child.once('close', (code, signal) => {
        if (code !== 99 && signal !== 'SIGKILL') {
          return reject(new Error(`the program ended with ${code ?? signal}: ${complaints.slice(0, 2_000)}`))
        }
        for (const line of said.split('\n')) {
          const [sign, chain, number] = line.split(' ')
          if (sign === '+') progress.begun[Number(chain)] = Number(number)
          if (sign === '=') progress.acknowledged[Number(chain)] = Number(number)
        }
        resolve(progress)
      })
    })
  }
}

export const atTheStart = (kind: StoreKind): Progress => ({
  begun: Array.from({ length: chainsOf(kind) }, () => 0),
  acknowledged: Array.from({ length: chainsOf(kind) }, () => 0),
})

/**
 * Opens what was left, and holds it against what must be there: of each chain the state after what was acknowledged, or
 * after the act under way as well.
 * @returns where each chain goes on @throws an error that says what is missing or wrong
 */
export async function inspect(data: string, kind: StoreKind, progress: Progress): Promise<Outcome> {
  const startedAt = performance.now()
  const storage = await openStores(data, kind, 'full')
  try {
    const found = await readAll(storage, kind)
    const openMs = performance.now() - startedAt
    const acknowledged = progress.acknowledged.map((count, chain) => {
      const own = new Map([...found].filter(([name]) => name.startsWith(`c${chain}-`)))
      const allowed = [...new Set([count, progress.begun[chain] ?? count])]
      const match = allowed.reverse().find((acts) => isSame(stateAfter(kind, chain, acts), own))
      if (match !== undefined) return match
      throw new Error(
        `chain ${chain}: after ${count} acknowledged acts of ${progress.begun[chain]} ${difference(stateAfter(kind, chain, count), own)}`,
      )
    })
    return { progress: { begun: [...acknowledged], acknowledged }, openMs }
  } finally {
    await storage.close()
  }
}

function isSame(one: ReadonlyMap<string, string>, other: ReadonlyMap<string, string>): boolean {
  return one.size === other.size && [...one].every(([name, text]) => other.get(name) === text)
}

function difference(wanted: ReadonlyMap<string, string>, found: ReadonlyMap<string, string>): string {
  const names = [...new Set([...wanted.keys(), ...found.keys()])].filter(
    (name) => wanted.get(name) !== found.get(name),
  )
  const short = (text: string | undefined): string => text?.slice(0, 12) ?? 'nothing'
  return names
    .map((name) => `${name} is ${short(found.get(name))} and not ${short(wanted.get(name))}`)
    .join(', ')
}

/** @returns null where there is no compiler, or no preloading */
function compileShim(target: string): string | null {
  if (process.platform !== 'linux') return null
  for (const compiler of ['cc', 'gcc', 'clang']) {
    const args = ['-shared', '-fPIC', '-O1', '-w', '-o', target, join(here, 'power-cut.c'), '-lpthread']
    if (spawnSync(compiler, args).status === 0 && existsSync(target)) return target
  }
  return null
}
