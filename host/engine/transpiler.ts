/**
 * The one place that turns a component into JavaScript glue and core modules.
 *
 * It uses jco's generator alone (`@bytecodealliance/jco-transpile/component`): the package's own wrapper would
 * bring along an optimiser and a native minifier. The generator validates the component first.
 */
import { $init, generate } from '@bytecodealliance/jco-transpile/component'
import { parseInterface } from './interface-id.ts'

export interface Transpiled {
  readonly glue: Uint8Array
  /** By the names the glue asks for, in the order of the component. */
  readonly modules: ReadonlyMap<string, Uint8Array<ArrayBuffer>>
  /** Paths without versions of the interfaces that the glue takes from its host. */
  readonly uses: ReadonlySet<string>
}

/** @throws the validator's message where the component is not valid */
export async function transpile(component: Uint8Array): Promise<Transpiled> {
  await $init
  const { files, imports } = generate(component, {
    name: 'component',
    instantiation: { tag: 'async' },
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
  return {
    glue: glue[1],
    modules: new Map(
      files.filter(([name]) => name.endsWith('.wasm')).map(([name, bytes]) => [name, new Uint8Array(bytes)]),
    ),
    uses: new Set(imports.map((name) => parseInterface(name).path)),
  }
}
