/**
 * The `///` comments of an app's WIT, kept with its component: the binary form has no place for them, and whoever calls the
 * app has nothing else. Only of what the component exports, and neither of WASI nor of Selvedge, which everybody can look up.
 */
import { join } from 'node:path'
import { outlineOf, withDocs, type InterfaceDocs } from '../engine/index.ts'
import { programFolder } from './program-folder.ts'
import { ownWitFolder, readWitSource } from './wit-source.ts'
import { parseWit, type FunctionSyntax, type InterfaceSyntax, type WorldSyntax } from './wit/index.ts'

/**
 * @param folder of the app
 * @returns the component with what its WIT says; as it is where there is no WIT of its own, or one that is not read here:
 *   no build fails for its comments
 */
export async function documented(component: Uint8Array, folder: string, world: string): Promise<Uint8Array> {
  try {
    const own = await ownWitFolder(folder)
    if (own === null) return component
    const docs = docsIn(await readWitSource(own, join(programFolder(), 'wit')), world)
    const exported = new Set(outlineOf(component).exports)
    return withDocs(component, new Map([...docs].filter(([id]) => isKept(id, exported))))
  } catch {
    return component
  }
}

function isKept(id: string, exported: ReadonlySet<string>): boolean {
  return (id === '' || exported.has(id)) && !/^(wasi|selvedge):/.test(id)
}

/** By the id of an interface; empty for what the world itself exports. */
function docsIn(witSource: string, world: string): Map<string, InterfaceDocs> {
  const found = new Map<string, InterfaceDocs>()
  const put = (id: string, docs: InterfaceDocs): void => {
    if (docs.docs !== undefined || Object.keys(docs.funcs).length > 0) found.set(id, docs)
  }
  const packages = parseWit(witSource)
  for (const { name, version, interfaces } of packages) {
    for (const one of interfaces.values()) {
      const id = `${name}/${one.name}${version === null ? '' : `@${version}`}`
      put(id, ofInterface(one))
    }
  }
  const worlds = packages[0]?.worlds
  // A command of the developer's own builds what it will; where there is one world it is that one.
  const own = worlds?.get(world) ?? (worlds?.size === 1 ? [...worlds.values()][0] : undefined)
  if (own !== undefined) for (const [id, docs] of inWorld(own)) put(id, docs)
  return found
}

function inWorld({ exports }: WorldSyntax): [id: string, docs: InterfaceDocs][] {
  const functions = exports.flatMap((item) => (item.kind === 'function' ? [item.function] : []))
  const inline = exports.flatMap((item) => (item.kind === 'interface' ? [item.interface] : []))
  return [
    ['', { funcs: ofFunctions(functions) }],
    ...inline.map((one): [string, InterfaceDocs] => [one.name, ofInterface(one)]),
  ]
}

function ofInterface({ docs, functions }: InterfaceSyntax): InterfaceDocs {
  return { ...(docs !== '' && { docs }), funcs: ofFunctions(functions) }
}

function ofFunctions(functions: readonly FunctionSyntax[]): InterfaceDocs['funcs'] {
  return Object.fromEntries(functions.flatMap(({ name, docs }) => (docs === '' ? [] : [[name, { docs }]])))
}
