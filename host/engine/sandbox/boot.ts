/** All that a sandbox is told of the app it becomes. */
import type { Boot, PartSettings } from '../../guest/index.ts'
import type { StartRequest } from '../contract.ts'
import type { StoredComponent } from '../cache.ts'
import type { EngineLimits } from '../limits.ts'

/** Of a sandbox's heap; above it the next call may be the one that ends it. */
const recycleHeapShare = 0.6

export function bootOf(
  { app, imports, world, streams, fresh = false }: StartRequest,
  { glue, restore }: StoredComponent,
  modules: Boot['modules'],
  limits: EngineLimits,
): Boot {
  const settings: PartSettings = {
    args: [],
    env: [],
    preopens: [],
    terminal: { stdin: false, stdout: false, stderr: false },
    ...world,
    stdio: streams === undefined ? 'lines' : 'piped',
    lineChars: limits.lineChars,
  }
  const { valueBytes, postsInFlight, postsPerSecond, coreInstances, heldHandles, channels } = limits
  return {
    app,
    glue,
    modules,
    restore,
    fresh,
    interfaces: imports.map(({ id, part, functions }) => ({
      id,
      part: part ?? null,
      functions: Object.entries(functions).map(([name, { mode }]) => ({ name, mode })),
    })),
    settings,
    limits: {
      recycleHeapBytes: limits.sandboxHeapMb * 1024 * 1024 * recycleHeapShare,
      valueBytes,
      postsInFlight,
      postsPerSecond,
      coreInstances,
      heldHandles,
      channels,
    },
  }
}
