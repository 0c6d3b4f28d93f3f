/** A component in this process, made with jco's own glue, over imports that a test plays. */
import { writeFile } from 'node:fs/promises'
import { pathToFileURL } from 'node:url'
import { transpileBytes } from '@bytecodealliance/jco-transpile'

type Functions = Record<string, unknown>

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: Record<string, Functions>,
  instantiateCore: (module: WebAssembly.Module, imports: WebAssembly.Imports) => WebAssembly.Instance,
) => Promise<Record<string, Record<string, (...args: unknown[]) => unknown>>>

/**
 * @param out where the glue may be written, without an ending
 * @returns makes an instance; its exports by interface, with versions. `made` is told of each core instance in it.
 */
export async function openedComponent(
  component: Uint8Array,
  out: string,
): Promise<
  (
    imports: Record<string, Functions>,
    made?: (instance: WebAssembly.Instance) => void,
  ) => ReturnType<Instantiate>
> {
  const { files } = await transpileBytes(component, { name: 'app', instantiation: 'async' })
  const modules = new Map<string, WebAssembly.Module>()
  for (const [name, contents] of Object.entries(files)) {
    if (name.endsWith('.wasm')) modules.set(name, new WebAssembly.Module(contents as Uint8Array<ArrayBuffer>))
  }
  await writeFile(`${out}.mjs`, files['app.js'] as Uint8Array)
  const { instantiate } = (await import(pathToFileURL(`${out}.mjs`).href)) as { instantiate: Instantiate }
  return (imports, made) =>
    instantiate(
      (name) => modules.get(name) as WebAssembly.Module,
      imports,
      (module, coreImports) => {
        const instance = new WebAssembly.Instance(module, coreImports)
        made?.(instance)
        return instance
      },
    )
}

/** Thrown by a played import, as the `err` that it stands for. */
export function witError(payload: unknown): Error {
  return Object.assign(new Error('a declared WIT error'), { payload })
}
