/**
 * What one child process of this benchmark does: loads one glue of one guest, asks one question, prints one line of
 * JSON. A process each, as instances of one component in one isolate slow each other down.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import { takeImage, type HandleTables } from '../../host/guest/restore.ts'
import { hostOf, type GuestOfBench } from './host.ts'

/** `heap` needs `node --expose-gc`. */
export interface Question {
  readonly ask: 'calls' | 'fresh' | 'bare' | 'heap'
  readonly guest: GuestOfBench
  readonly glue: 'original' | 'tight'
  readonly rounds: number
  readonly folder: string
}

export interface Answer {
  readonly p50Us: number
  readonly p99Us: number
  readonly perSecond: number
  /** Growth of the used heap after a collection. */
  readonly bytesPerCall: number
}

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: object,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
  takeTables: (tables: HandleTables) => void,
) => Promise<Record<string, Record<string, (...args: unknown[]) => unknown>>>

/** As the sandbox does: the generator's glue looks it up at every step. */
process.env = {}
const question = JSON.parse(process.argv[2] ?? '') as Question
const warmUps = 20_000
console.log(JSON.stringify(await answer(question)))

async function answer({ ask, guest, rounds, folder }: Question): Promise<Answer> {
  if (ask === 'bare') return bareInstances(folder, rounds)
  const { instances, tables, call } = await start(guest)
  if (ask === 'fresh') {
    const image = takeImage({ instances, prefix: prefixOf(folder), tables, maxBytes: 64 * 1024 * 1024 })
    if (image === null) throw new Error('the guest cannot be put back')
    return timed(rounds, () => {
      call()
      if (!image.restore()) throw new Error('the guest was not put back')
    })
  }
  for (let round = 0; round < warmUps; round += 1) call()
  const heapBefore = usedHeap()
  const startedAt = performance.now()
  for (let round = 0; round < rounds; round += 1) call()
  const ms = performance.now() - startedAt
  const bytesPerCall = (usedHeap() - heapBefore) / rounds
  return { p50Us: 0, p99Us: 0, perSecond: (rounds / ms) * 1_000, bytesPerCall }
}

async function start(guest: GuestOfBench): Promise<{
  instances: WebAssembly.Instance[]
  tables: HandleTables
  call: () => void
}> {
  const { folder, glue } = question
  const body = readFileSync(join(folder, `${glue}.js`), 'utf8')
    .replace(/^export (?=function instantiate\b|const _util\b)/gm, '')
    .replaceAll('import.meta.url', "'component.js'")
  const instantiate = (compileFunction(`'use strict';\n${body}\nreturn instantiate`) as () => Instantiate)()
  const host = hostOf(guest)
  const instances: WebAssembly.Instance[] = []
  let tables: HandleTables = []
  const exports = await instantiate(
    (name) => new WebAssembly.Module(readFileSync(join(folder, name))),
    host.imports,
    (module, imports) => {
      const instance = new WebAssembly.Instance(module, imports)
      instances.push(instance)
      return instance
    },
    (given) => {
      tables = given
    },
  )
  return { instances, tables, call: host.callOf(exports) }
}

/** The floor: an instance of the guest's main module and nothing else. */
function bareInstances(folder: string, rounds: number): Answer {
  const module = new WebAssembly.Module(readFileSync(join(folder, 'component.core.wasm')))
  const imports: Record<string, Record<string, () => number>> = {}
  for (const wanted of WebAssembly.Module.imports(module)) {
    const from = (imports[wanted.module] ??= {})
    from[wanted.name] = () => 0
  }
  return timed(rounds, () => new WebAssembly.Instance(module, imports))
}

function timed(rounds: number, run: () => void): Answer {
  for (let round = 0; round < rounds; round += 1) run()
  const us = new Float64Array(rounds)
  const startedAt = performance.now()
  for (let round = 0; round < rounds; round += 1) {
    const begun = performance.now()
    run()
    us[round] = (performance.now() - begun) * 1_000
  }
  const ms = performance.now() - startedAt
  us.sort()
  const at = (share: number): number => us[Math.floor(rounds * share)] ?? Number.NaN
  return { p50Us: at(0.5), p99Us: at(0.99), perSecond: (rounds / ms) * 1_000, bytesPerCall: 0 }
}

function usedHeap(): number {
  if (question.ask !== 'heap') return 0
  const collect = (globalThis as { gc?: () => void }).gc
  if (collect === undefined) throw new Error('run with --expose-gc')
  collect()
  return process.memoryUsage().heapUsed
}

function prefixOf(folder: string): string {
  return readFileSync(join(folder, 'prefix'), 'utf8')
}
