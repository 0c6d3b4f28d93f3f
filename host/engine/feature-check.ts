/** Whether a node with these WebAssembly features can run a component that uses those: asked before it is fetched. */
import type { SelvedgeError } from '../../core/index.ts'
import { asyncFeature } from './component-async.ts'
import { knownFeatures, supportedFeatures } from './probe.ts'
import { engineProblems } from './problems.ts'

/**
 * @param used of the component: `ComponentFacts.features`, or what its release record says. A name that this version
 * does not know is passed over; whether the engine compiles it is seen when the component is prepared.
 * @param supported of this node: `supportedFeatures()`
 * @returns the error to throw, which names all that is missing, or null
 */
export function refusalOfFeatures(
  used: readonly string[],
  supported: readonly string[],
): SelvedgeError | null {
  const missing = used.filter((feature) => knownFeatures.includes(feature) && !supported.includes(feature))
  if (missing.length === 0) return null
  const engine = supportedFeatures()
  const kept = missing.filter((feature) => engine.includes(feature))
  if (kept.length === missing.length) {
    return engineProblems.error(
      'ERR_FEATURE_MISSING',
      `the component uses ${kept.join(', ')}; this node’s owner keeps it from apps (\`without\` under [engine] in the node’s TOML)`,
      { hint: 'run it on another node, or let the node’s owner take it from that list' },
    )
  }
  const here = `Node.js ${process.version} on ${process.arch}`
  if (!missing.includes(asyncFeature)) {
    return engineProblems.error(
      'ERR_FEATURE_MISSING',
      `the component uses ${missing.join(', ')}; ${here} does not have it`,
    )
  }
  const others = missing.filter((feature) => feature !== asyncFeature)
  const also = others.length === 0 ? '' : `; it also lacks ${others.join(', ')}`
  return engineProblems.error(
    'ERR_FEATURE_MISSING',
    `the component is asynchronous (WASI 0.3, ${asyncFeature}); ${here} cannot suspend a guest, which that needs${also}`,
    { hint: 'run the node with Node.js 24 or later, or build the component for WASI 0.2' },
  )
}
