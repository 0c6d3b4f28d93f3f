/**
 * The one place that turns a component into JavaScript glue and core modules.
 *
 * It uses jco's generator alone (`@bytecodealliance/jco-transpile/component`): the package's own wrapper would
 * bring along an optimiser and a native minifier. The generator validates the component first.
 */
import { $init, generate } from '@bytecodealliance/jco-transpile/component'
import { messageOf } from '../../core/index.ts'
import { MalformedError } from './byte-reader.ts'
import type { InterfaceId } from './contract.ts'
import { refuseUnsafeNames } from './core-names.ts'
import { compileGlue, glueScript, parseInterface } from '../guest/index.ts'
import { tighten } from './glue.ts'

export interface Transpiled {
  /** As a script, where `generateGlue` gives the module that the generator writes. */
  readonly glue: Uint8Array
  /** Whether the glue keeps no asynchronous tasks and tells its tables of handles; see `glue.ts`. */
  readonly plain: boolean
  /** By the names the glue asks for, in the order of the component. */
  readonly modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  /** The interfaces that the glue takes from its host, as {@link glueKey} names them. */
  readonly uses: ReadonlySet<string>
}

/** What the glue must be made for. */
export interface TranspileOptions {
  /** Whether the component is asynchronous (`component-async.ts`): its glue needs JSPI, and its exports return promises. */
  readonly isAsync: boolean
  /** As the component names them. */
  readonly imports: readonly InterfaceId[]
}

/** @throws the validator's message where the component is not valid */
export async function transpile(component: Uint8Array, options: TranspileOptions): Promise<Transpiled> {
  const generated = await generateGlue(component, options)
  const { text, plain } = tighten(Buffer.from(generated.glue).toString('utf8'))
  const script = glueScript(text)
  refuseBroken(script)
  return { ...generated, glue: Buffer.from(script), plain }
}

/** Names that come out alike as the generator's variables break its text: to be said now, not at each start. */
function refuseBroken(text: string): void {
  try {
    compileGlue({ text, code: null })
  } catch (error) {
    throw new MalformedError(`its names make no JavaScript: ${messageOf(error)}`)
  }
}

/** The generator's own output, as it wrote it. @throws the validator's message; MalformedError for names that could be code */
export async function generateGlue(
  component: Uint8Array,
  { isAsync, imports: named }: TranspileOptions,
): Promise<Omit<Transpiled, 'plain'>> {
  await $init
  const { files, imports } = generate(component, {
    name: 'component',
    instantiation: { tag: 'async' },
    // By itself the glue drops versions, and would take one object for an interface of WASI 0.2 and of 0.3.
    map: named.filter((id) => glueKey(id) !== parseInterface(id).path).map((id) => [id, glueKey(id)]),
    // No lists of names: what is asynchronous is said by the types.
    ...(isAsync ? { asyncMode: { tag: 'jspi', val: { imports: [], exports: [] } } } : {}),
    // A declared WIT error is then told from everything else by its class.
    noComponentErrorWrapping: false,
    noNodejsCompat: true,
    noTypescript: true,
    // Modules come as files, never inside the glue, where their memories could not be capped.
    base64Cutoff: 0,
    validLiftingOptimization: false,
    tracing: false,
    tlaCompat: false,
    noNamespacedExports: false,
    multiMemory: false,
    bindgenEnableWasmExnref: false,
    // Resources and types are checked when they cross, at a small price.
    strict: true,
    flagsAsBigint: false,
    variantsInlineCases: false,
    useNamespaceObjects: false,
    enumValuesScreamingSnakeCase: false,
    asmjs: false,
  })
  const glue = files.find(([name]) => name === 'component.js')
  if (glue === undefined) throw new Error('the transpiler wrote no glue')
  const modules = new Map(
    files.filter(([name]) => name.endsWith('.wasm')).map(([name, bytes]) => [name, new Uint8Array(bytes)]),
  )
  // Of these the glue speaks, whatever else the file holds. Nobody sees it before they are known to be harmless.
  for (const module of modules.values()) refuseUnsafeNames(module)
  return {
    glue: glue[1],
    modules,
    uses: new Set(imports),
  }
}

/**
 * The name under which the glue asks for an interface: its path, and for WASI 0.3 the line behind it, as one component
 * may import `wasi:cli/stdout` of both (a language's standard library, and its own code).
 */
export function glueKey(id: InterfaceId): string {
  const { path, version } = parseInterface(id)
  return path.startsWith('wasi:') && /^0\.3\.\d+$/.test(version) ? `${path}@0.3` : path
}
