/** WIT as data: from a text to one resolved world, and the canonical ABI's numbers about it. */
import type { World } from './model.ts'
import { parseWit } from './parser.ts'
import { resolveWorld } from './resolve.ts'

export * from './core-names.ts'
export * from './layout.ts'
export * from './model.ts'
export { parseWit } from './parser.ts'
export type { FunctionSyntax, InterfaceSyntax, WorldSyntax } from './syntax.ts'

/**
 * @param text a main package, and the packages it needs nested behind it
 * @throws ERR_WORLD for what is no WIT, what no binding can be made of, or a world that is not there
 */
export function readWorld(text: string, world: string): World {
  return resolveWorld(parseWit(text), world)
}
