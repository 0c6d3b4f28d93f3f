/**
 * What the child does with a core module of WASI preview1: the same checks, facts and caps as a component's, and no
 * glue, as the sandbox gives such a module its imports itself (`guest/module.ts`).
 *
 * V8 is the validator here: it is the one that will run the module, and nothing stands between them.
 */
import { digestOf, messageOf, plainText } from '../../core/index.ts'
import { MalformedError } from './byte-reader.ts'
import type { ComponentFacts } from './contract.ts'
import { refuseUnsafeNames } from './core-names.ts'
import { capModule, memoriesOf, pageBytes } from './core-module.ts'
import { refusalOfFeatures } from './feature-check.ts'
import { featuresOf } from './features.ts'
import { memoryRefusal } from './memory-refusal.ts'
import { memoryOf, spareTableEntries, type JobResult } from './prepare-job.ts'
import { glueName, type PrepareJob } from './prepare-protocol.ts'
import { preview1Functions, preview1Interface, runInterface } from './preview1-offer.ts'
import { supportedFeatures } from './probe.ts'
import { engineProblems } from './problems.ts'

const moduleName = 'module.wasm'
/** Names listed in a refusal. */
const maxListed = 8

/** @throws SelvedgeError for everything that is wrong with the module */
export async function runModuleJob(module: Uint8Array<ArrayBuffer>, job: PrepareJob): Promise<JobResult> {
  const features = featuresOf(module)
  const refusal = refusalOfFeatures(features, job.mode === 'inspect' ? supportedFeatures() : job.features)
  if (refusal !== null) throw refusal
  const compiled = await compile(module)
  const imports = WebAssembly.Module.imports(compiled)
  refuseOtherImports(imports)
  refuseNames(module)
  const facts: ComponentFacts = {
    kind: 'module',
    digest: digestOf(module),
    sizeBytes: module.length,
    imports: imports.length === 0 ? [] : [preview1Interface],
    exports: WebAssembly.Module.exports(compiled)
      .filter(({ kind }) => kind === 'function')
      .map(({ name }) => (name === '_start' ? runInterface : name))
      .sort(),
    features,
    memory: memoryOf([module]),
  }
  if (job.mode === 'inspect') return { facts, restore: null, modules: [], parts: new Map() }
  return { facts, restore: null, ...capped(module, job) }
}

async function compile(module: Uint8Array<ArrayBuffer>): Promise<WebAssembly.Module> {
  try {
    return await WebAssembly.compile(module)
  } catch (error) {
    throw invalid(messageOf(error).replace(/^WebAssembly\.compile\(\): /, ''), error)
  }
}

/** Its exports go into facts that people read. */
function refuseNames(module: Uint8Array): void {
  try {
    refuseUnsafeNames(module)
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw invalid(error.message, error)
  }
}

function refuseOtherImports(imports: readonly WebAssembly.ModuleImportDescriptor[]): void {
  const others = imports.filter(
    ({ module, name, kind }) =>
      module !== preview1Interface || kind !== 'function' || !preview1Functions.has(name),
  )
  if (others.length === 0) return
  const names = others.map(
    ({ module, name, kind }) => `${module} ${name}${kind === 'function' ? '' : `, a ${kind}`}`,
  )
  const listed = names.slice(0, maxListed).map((name) => `\n  ${plainText(name).slice(0, 200)}`)
  const more = names.length > maxListed ? `\n  and ${names.length - maxListed} more` : ''
  throw engineProblems.error(
    'ERR_CORE_MODULE',
    `this core module imports what only WASI preview1 modules can have here: ${preview1Interface}; it also wants${listed.join('')}${more}`,
  )
}

function capped(module: Uint8Array, job: PrepareJob): Pick<JobResult, 'modules' | 'parts'> {
  const limitPages = Math.floor(job.memoryBytes / pageBytes)
  try {
    const own = memoriesOf(module)
    if (own.length > 1) throw new MalformedError('it has several memories')
    const needed = own[0]?.minPages ?? 0
    if (needed > limitPages) throw memoryRefusal(needed, job.memoryBytes)
    return {
      modules: [{ name: moduleName, hasMemory: own.length > 0 }],
      parts: new Map([
        [glueName, new Uint8Array(0)],
        [moduleName, capModule(module, limitPages, spareTableEntries([module], job.tableEntries))],
      ]),
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
    throw invalid(`it cannot be capped: ${error.message}`, error)
  }
}

function invalid(reason: string, cause: unknown): Error {
  const message = `the module is not valid: ${plainText(reason).slice(0, 500)}`
  return engineProblems.error('ERR_COMPONENT_INVALID', message, {
    hint: 'build it again; if that does not help, `npx jco print FILE` names the first fault',
    cause,
  })
}
