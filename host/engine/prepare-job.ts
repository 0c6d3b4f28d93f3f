/**
 * What the short-lived child does with one component: check it, read what it needs, transpile and cap it.
 */
import { digestOf, messageOf, plainText } from '../../core/index.ts'
import { MalformedError } from './byte-reader.ts'
import { refuseOtherForms } from './component-form.ts'
import { functionsOf } from './component-functions.ts'
import { asyncFeature, usesAsync } from './component-async.ts'
import { outlineOf, type ComponentOutline } from './component-reader.ts'
import type { ComponentFacts, MemoryFacts } from './contract.ts'
import { capModule, memoriesOf, pageBytes, tablesOf } from './core-module.ts'
import { exposeState } from './core-state.ts'
import { refusalOfFeatures } from './feature-check.ts'
import { featuresOf } from './features.ts'
import { memoryRefusal } from './memory-refusal.ts'
import { outOfMemory } from './prepare-memory.ts'
import { glueName, type PreparedModule, type PrepareJob } from './prepare-protocol.ts'
import { engineProblems } from './problems.ts'
// Before the transpiler.
import { exhaustedBytes } from './transpiler-memory.ts'
import { glueKey, transpile, type Transpiled, type TranspileOptions } from './transpiler.ts'

export interface JobResult {
  readonly facts: ComponentFacts
  /** What the names of exported state begin with; null where an instance cannot be put back as it began. */
  readonly restore: string | null
  readonly modules: readonly PreparedModule[]
  readonly parts: ReadonlyMap<string, Uint8Array>
}

/** Of a message that may quote the component. */
const maxFaultChars = 500

/** @throws SelvedgeError for everything that is wrong with the component */
export async function runJob(component: Uint8Array, job: PrepareJob): Promise<JobResult> {
  refuseOtherForms(component)
  const outline = readOutline(component)
  const isAsync = readAsync(component)
  const transpiled = await validated(component, { isAsync, imports: outline.imports })
  const used = new Set<string>(outline.modules.flatMap((module) => featuresOf(module)))
  if (isAsync) used.add(asyncFeature)
  const features = [...used].sort()
  // To say what it is needs nobody who could run it.
  if (job.mode === 'prepare') {
    const refusal = refusalOfFeatures(features, job.features)
    if (refusal !== null) throw refusal
    await refuseMissingFeatures([...transpiled.modules.values()], features)
  }
  const facts: ComponentFacts = {
    kind: 'component',
    digest: digestOf(component),
    sizeBytes: component.length,
    imports: outline.imports
      .filter((name) => !name.includes(':') || transpiled.uses.has(glueKey(name)))
      .sort(),
    exports: [...outline.exports].sort(),
    features,
    memory: memoryOf([...transpiled.modules.values()]),
    functions: functionsOf(component),
  }
  if (job.mode === 'inspect') return { facts, restore: null, modules: [], parts: new Map() }
  return { facts, ...capped(transpiled, job) }
}

function readOutline(component: Uint8Array): ComponentOutline {
  try {
    return outlineOf(component)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw engineProblems.error('ERR_COMPONENT_INVALID', `the component is damaged: ${error.message}`, {
      cause: error,
    })
  }
}

/** A type that is not read here leaves the word to the validator, which reads all of them. */
function readAsync(component: Uint8Array): boolean {
  try {
    return usesAsync(component)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    return false
  }
}

async function validated(component: Uint8Array, options: TranspileOptions): Promise<Transpiled> {
  try {
    return await transpile(component, options)
  } catch (error) {
    const bytes = exhaustedBytes(error)
    if (bytes !== null) throw outOfMemory(component.length, bytes)
    throw engineProblems.error('ERR_COMPONENT_INVALID', `the component is not valid: ${faultIn(error)}`, {
      cause: error,
    })
  }
}

/** The validator says first what it could not do, and behind `Caused by:` what is wrong; the last is the innermost. */
function faultIn(error: unknown): string {
  const lines = messageOf(error)
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && line !== 'Caused by:')
  return plainText(lines.at(-1) ?? 'it does not say why').slice(0, maxFaultChars)
}

/** The validator knows every feature. What it accepts and V8 refuses is a feature that this V8 lacks. */
async function refuseMissingFeatures(
  modules: readonly Uint8Array<ArrayBuffer>[],
  features: readonly string[],
): Promise<void> {
  for (const module of modules) {
    if (WebAssembly.validate(module)) continue
    const reason = await WebAssembly.compile(module).then(() => 'unknown reason', messageOf)
    const uses = features.length === 0 ? '' : ` (the component uses ${features.join(', ')})`
    throw engineProblems.error(
      'ERR_FEATURE_MISSING',
      `Node.js ${process.version} on ${process.arch} cannot compile it: ${reason.slice(0, 300)}${uses}`,
    )
  }
}

/** What all memories of these modules begin with, and may grow to, bytes. @throws ERR_COMPONENT_INVALID */
export function memoryOf(modules: readonly Uint8Array[]): MemoryFacts {
  try {
    const memories = modules.flatMap((module) => memoriesOf(module))
    const startBytes = memories.reduce((sum, { minPages }) => sum + minPages, 0) * pageBytes
    if (memories.some(({ maxPages }) => maxPages === null)) return { startBytes }
    return {
      startBytes,
      maxBytes: memories.reduce((sum, { maxPages }) => sum + (maxPages ?? 0), 0) * pageBytes,
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw engineProblems.error('ERR_COMPONENT_INVALID', `a core module cannot be read: ${error.message}`)
  }
}

/** Shares the limits out: every memory and table gets what it begins with and an equal part of the rest. */
function capped(transpiled: Transpiled, job: PrepareJob): Omit<JobResult, 'facts'> {
  const limitPages = Math.floor(job.memoryBytes / pageBytes)
  const parts = new Map<string, Uint8Array>([[glueName, transpiled.glue]])
  const modules: PreparedModule[] = []
  try {
    const memories = [...transpiled.modules.values()].flatMap((module) => memoriesOf(module))
    const needed = memories.reduce((sum, memory) => sum + memory.minPages, 0)
    if (needed > limitPages) throw memoryRefusal(needed, job.memoryBytes)
    const exposed = transpiled.plain ? exposeState(transpiled.modules) : null
    const spare = memories.length === 0 ? 0 : Math.floor((limitPages - needed) / memories.length)
    const spareEntries = spareTableEntries([...transpiled.modules.values()], job.tableEntries)
    for (const [name, module] of exposed?.modules ?? transpiled.modules) {
      const own = memoriesOf(module)
      if (own.length > 1) throw new MalformedError('a core module has several memories')
      modules.push({ name, hasMemory: own.length > 0 || tablesOf(module).length > 0 })
      parts.set(name, capModule(module, (own[0]?.minPages ?? 0) + spare, spareEntries))
    }
    return { restore: exposed?.prefix ?? null, modules, parts }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw engineProblems.error('ERR_COMPONENT_INVALID', `a core module cannot be capped: ${error.message}`)
  }
}

/** By how many entries each of their tables may grow. @throws MalformedError where they begin with more than `limit` */
export function spareTableEntries(modules: readonly Uint8Array[], limit: number): number {
  const tables = modules.flatMap((module) => tablesOf(module))
  const needed = tables.reduce((sum, entries) => sum + entries, 0)
  if (needed > limit) throw new MalformedError(`its tables begin with ${needed} entries, more than ${limit}`)
  return tables.length === 0 ? 0 : Math.floor((limit - needed) / tables.length)
}
