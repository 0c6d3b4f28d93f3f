/** A component as jco runs it: built from its folder, transpiled, with imports made by hand. */
import { transpileBytes } from '@bytecodealliance/jco-transpile'
import { writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'

export type Imports = Record<string, Record<string, unknown>>

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Imports,
  instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
) => unknown

/**
 * @param script where the glue is written, ending in .mjs
 * @returns makes an instance from its imports; memories of its core modules are put on the list
 */
export async function transpiled(
  component: Uint8Array,
  script: string,
): Promise<(imports: Imports, memories?: WebAssembly.Memory[]) => unknown> {
  const { files } = await transpileBytes(component, { name: 'app', instantiation: 'sync' })
  const modules = new Map<string, WebAssembly.Module>()
  for (const [name, contents] of Object.entries(files)) {
    if (name.endsWith('.wasm')) modules.set(name, new WebAssembly.Module(contents as Uint8Array<ArrayBuffer>))
  }
  await writeFile(script, files['app.js'] as Uint8Array)
  const { instantiate } = (await import(pathToFileURL(script).href)) as { instantiate: Instantiate }
  return (imports, memories = []) =>
    instantiate(
      (name) => modules.get(name) as WebAssembly.Module,
      imports,
      (module, coreImports) => {
        const instance = new WebAssembly.Instance(module, coreImports)
        for (const value of Object.values(instance.exports)) {
          if (value instanceof WebAssembly.Memory && !memories.includes(value)) memories.push(value)
        }
        return instance
      },
    )
}
