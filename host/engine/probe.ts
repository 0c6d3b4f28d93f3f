/**
 * What this node's WebAssembly engine can do, found by asking it to validate the smallest module that needs it.
 *
 * It goes into the node's record, so that a publisher sees beforehand which nodes a component will run on. Names are
 * those of the WebAssembly proposals.
 */
import { asyncFeature } from './component-async.ts'

/** Type, function, memory and code sections as far as each probe needs them, behind the module header. */
const probes: Readonly<Record<string, readonly number[]>> = {
  'bulk-memory': [
    1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 3, 1, 0, 1, 10, 14, 1, 12, 0, 65, 0, 65, 0, 65, 0, 252, 10, 0, 0, 11,
  ],
  exceptions: [1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 8, 1, 6, 0, 6, 64, 25, 11, 11],
  'extended-const': [5, 3, 1, 0, 1, 11, 9, 1, 0, 65, 1, 65, 2, 106, 11, 0],
  gc: [1, 5, 1, 95, 1, 120, 0],
  simd: [1, 5, 1, 96, 0, 1, 123, 3, 2, 1, 0, 10, 10, 1, 8, 0, 65, 0, 253, 15, 253, 98, 11],
  'tail-call': [1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 10, 6, 1, 4, 0, 18, 0, 11],
  threads: [1, 4, 1, 96, 0, 0, 3, 2, 1, 0, 5, 4, 1, 3, 1, 1, 10, 11, 1, 9, 0, 65, 0, 254, 16, 2, 0, 26, 11],
}

/** What the host must be able to do beside the engine: suspend a guest in mid-call (JavaScript Promise Integration). */
const suspending: readonly string[] = [asyncFeature, 'jspi']

/** Every name that {@link supportedFeatures} may have, sorted. */
export const knownFeatures: readonly string[] = [...Object.keys(probes), ...suspending].sort()

const header = [0, 97, 115, 109, 1, 0, 0, 0]

/**
 * @returns the proposals that this engine has, sorted; `jspi` where the host may suspend a guest, and then
 * `component-model-async`, which needs nothing else
 */
export function supportedFeatures(): string[] {
  const supported = Object.keys(probes).filter((name) =>
    WebAssembly.validate(new Uint8Array([...header, ...(probes[name] ?? [])])),
  )
  if ('Suspending' in WebAssembly) supported.push(...suspending)
  return supported.sort()
}
