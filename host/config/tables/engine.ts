/** `[engine]`: what of this node's WebAssembly engine apps may use. */
import * as v from 'valibot'

/** As the engine's probe names them; not taken from there, so that reading a TOML does not load the engine. */
export const engineFeatures = [
  'bulk-memory',
  'component-model-async',
  'exceptions',
  'extended-const',
  'gc',
  'jspi',
  'simd',
  'tail-call',
  'threads',
] as const

export const engineTable = v.strictObject({
  /**
   * Features that this node does as if it had not: a release that needs one goes elsewhere, and of one with variants that
   * is taken which needs none of them. For an engine that is wrong or slow with one, and to try what other nodes do.
   */
  without: v.optional(
    v.array(v.picklist(engineFeatures, `is no feature; write one of ${engineFeatures.join(', ')}`)),
    [],
  ),
})
