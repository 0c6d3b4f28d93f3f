/** jco's glue, from text to the exports of one instance. */
import { Script } from 'node:vm'
import { HostFault } from './ends.ts'
import type { GuestExports, GuestImports } from './part.ts'
import type { Boot, GlueScript } from './protocol.ts'
import type { HandleTables } from './restore.ts'

export interface Component {
  readonly exports: GuestExports
  readonly memories: readonly WebAssembly.Memory[]
  /** In the order they were made. */
  readonly instances: readonly WebAssembly.Instance[]
  /** Handles that the guest holds, by resource type; none where the glue does not tell. */
  readonly tables: HandleTables
}

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: GuestImports,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
  tellTables: (tables: HandleTables) => void,
) => GuestExports | Promise<GuestExports>

/** @throws what the guest's start functions throw; HostFault where glue and modules do not fit */
export async function instantiateComponent(
  boot: Boot,
  glue: GlueScript,
  imports: GuestImports,
): Promise<Component> {
  const modules = new Map(
    boot.modules.map(({ name, hasMemory, module }) => [
      name,
      { hasMemory, module: module instanceof WebAssembly.Module ? module : new WebAssembly.Module(module) },
    ]),
  )
  const memories: WebAssembly.Memory[] = []
  const instances: WebAssembly.Instance[] = []
  const withMemory = new Set([...modules.values()].filter((m) => m.hasMemory).map((m) => m.module))
  const made = new Set<WebAssembly.Module>()

  const getCoreModule = (name: string): WebAssembly.Module => {
    const found = modules.get(name)
    if (found === undefined)
      throw new HostFault(`the glue asks for ${name}, which its component does not have`)
    return found.module
  }
  /** Counts instances, and refuses a second one of a module with a memory or table: it would have the app's limit again. */
  const instantiateCore = (
    module: WebAssembly.Module,
    coreImports?: WebAssembly.Imports,
  ): WebAssembly.Instance => {
    if (instances.length >= boot.limits.coreInstances)
      throw new Error(`more than ${boot.limits.coreInstances} core instances`)
    if (withMemory.has(module) && made.has(module))
      throw new Error('a core module with a memory or a table is used twice')
    made.add(module)
    const instance = new WebAssembly.Instance(module, coreImports)
    for (const item of Object.values(instance.exports)) {
      if (item instanceof WebAssembly.Memory) memories.push(item)
    }
    instances.push(instance)
    return instance
  }
  let tables: HandleTables = []
  const instantiate = (compileGlue(glue) as () => Instantiate)()
  const exports = await instantiate(getCoreModule, imports, instantiateCore, (told) => (tables = told))
  return { exports, memories: [...new Set(memories)], instances, tables }
}

/**
 * The glue as a script, from the module that the generator writes. As a module it would need an address (a `data:` one
 * appears whole in every frame of every stack trace) and could import others; a script compiled like this cannot.
 */
export function glueScript(module: string): string {
  const body = module
    .replace(/^\s*export (?=function instantiate\b|const _util\b)/gm, '')
    // Asked for by nothing that runs. A word, as a quote would end a literal in which the guest named something so.
    .replaceAll('import.meta.url', 'undefined')
  return `(function () {'use strict';\n${body}\nreturn instantiate})`
}

/** What the glue is called in stack traces. V8 takes its code in only under the name that it was made for. */
export const glueFile = 'component.js'

/** @throws SyntaxError where the text is not JavaScript. Runs nothing of it but the function expression that it is */
export function compileGlue({ text, code }: GlueScript): unknown {
  const script = new Script(text, {
    filename: glueFile,
    // What is of another V8, or was made with other flags, is refused by V8, which then compiles the text.
    ...(code !== null && { cachedData: Buffer.from(code.buffer, code.byteOffset, code.byteLength) }),
  })
  return script.runInThisContext()
}
