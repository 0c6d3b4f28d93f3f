/** What a guest may call: the parts' interfaces, and those that are passed on to the node function by function. */
import { HostFault } from './ends.ts'
import { camelCase, parseInterface } from './interface-id.ts'
import type { HostLine } from './line.ts'
import type { GuestFunction, GuestImports, InterfaceImports, Part, PartContext, PartKind } from './part.ts'
import type { SandboxInterface } from './protocol.ts'

export interface BoundParts {
  readonly imports: GuestImports
  readonly parts: ReadonlyMap<string, Part>
}

/**
 * @param kinds all parts there are; each is made once. An interface of a part that the node grants by name is left
 * out where the app was not given it
 */
export function bindParts(
  kinds: readonly PartKind[],
  interfaces: readonly SandboxInterface[],
  context: PartContext,
): BoundParts {
  const imports: GuestImports = {}
  const parts = new Map<string, Part>()
  for (const kind of kinds) {
    const part = kind.create(context)
    parts.set(kind.name, part)
    Object.assign(imports, part.imports)
  }
  for (const offered of interfaces) {
    if (offered.part !== null) {
      if (!parts.has(offered.part)) throw new HostFault(`there is no part ${offered.part} in this sandbox`)
      continue
    }
    imports[parseInterface(offered.id).path] = passedOn(offered, context.line)
  }
  return { imports: refusePromises(imports), parts }
}

function passedOn({ id, functions }: SandboxInterface, line: HostLine): InterfaceImports {
  return Object.fromEntries(
    functions.map(({ name, mode }): [string, GuestFunction] => [
      camelCase(name),
      mode === 'post' ? (...args) => void line.post(id, name, args) : (...args) => line.call(id, name, args),
    ]),
  )
}

/**
 * Wraps every function so that a promise ends the guest: jco's synchronous glue would take it for a value and
 * let the guest go on with nonsense. Classes (WIT resources) are passed as they are, and so are functions of parts
 * that carry a lowering of their own: those never return one.
 */
export function refusePromises(imports: GuestImports): GuestImports {
  return Object.fromEntries(
    Object.entries(imports).map(([path, functions]) => [
      path,
      // Only asynchronous glue asks for interfaces of WASI 0.3, and it takes promises, streams and futures.
      path.endsWith('@0.3')
        ? functions
        : Object.fromEntries(
            Object.entries(functions).map(([name, item]) => [name, guarded(path, name, item)]),
          ),
    ]),
  )
}

function guarded(path: string, name: string, item: unknown): unknown {
  if (typeof item !== 'function' || /^[A-Z]/.test(name)) return item
  const own = item as GuestFunction
  if (Object.getOwnPropertySymbols(own).length > 0) return own
  return (...args: unknown[]) => {
    const result = own(...args)
    if (result === null || typeof result !== 'object' || !('then' in result)) return result
    if (result instanceof Promise) result.catch(() => {})
    throw new HostFault(`${path} ${name} returned a promise to a guest that cannot wait for one`)
  }
}
