/** A component of a WIT world whose functions do nothing: for what is read of one. */
import { componentEmbed, componentNew } from '@bytecodealliance/jco-transpile/wasm-tools'

export async function componentOf(witSource: string, world: string): Promise<Uint8Array> {
  const dummy = await componentEmbed({ dummy: true, witSource, world })
  return componentNew(dummy as Uint8Array, [])
}
