/**
 * The part of WASI 0.3: what an asynchronous guest calls, over the same layers as WASI 0.2. Its functions return
 * promises, streams and futures, which only glue made for suspending takes.
 */
import { systemClock, systemRandom } from '../../../core/index.ts'
import { createStdio } from '../cli/index.ts'
import { GuestExit } from '../ends.ts'
import type { IncomingCall } from '../http/wire.ts'
import type { Part, PartContext, PartKind } from '../part.ts'
import { createCli } from './cli.ts'
import { createClocks } from './clocks.ts'
import { createHttp, hasHandler } from './http/index.ts'
import { createRandom } from './random.ts'
import type { Readiness } from './readiness.ts'
import type { P3World } from './world.ts'

export { Readiness } from './readiness.ts'
export { hasHandler } from './http/index.ts'

/** @param readiness the sandbox's one: whoever takes in what arrives calls its `check` */
export function p3Part(readiness: Readiness): PartKind {
  return {
    name: 'wasi:p3',
    create(context: PartContext): Part {
      const world = worldOf(context, readiness)
      const http = createHttp(context, readiness)
      return {
        imports: { ...createCli(world), ...createClocks(world), ...createRandom(world), ...http.imports },
        invoke(exports, name, args, channel) {
          if (name !== 'handle' || !hasHandler(exports)) throw new Error(`wasi:p3 has no invocation ${name}`)
          return http.handle(exports, args[0] as IncomingCall, channel)
        },
      }
    },
  }
}

function worldOf({ line, settings, hold }: PartContext, readiness: Readiness): P3World {
  return {
    ...createStdio(line, settings),
    settings,
    clock: systemClock,
    random: systemRandom,
    readiness,
    hold,
    exit(code) {
      throw new GuestExit(code)
    },
  }
}
