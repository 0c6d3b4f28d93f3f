/** All that a sandbox is told of the app it becomes. */
import type { Boot, PartSettings } from '../../guest/index.ts'
import type { StartRequest } from '../contract.ts'
import type { EngineLimits } from '../limits.ts'

export function bootOf(
  { app, imports, world, streams }: StartRequest,
  glue: string | null,
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
    interfaces: imports.map(({ id, part, functions }) => ({
      id,
      part: part ?? null,
      functions: Object.entries(functions).map(([name, { mode }]) => ({ name, mode })),
    })),
    settings,
    limits: { valueBytes, postsInFlight, postsPerSecond, coreInstances, heldHandles, channels },
  }
}
