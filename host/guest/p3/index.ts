/**
 * The part of WASI 0.3: what an asynchronous guest calls, over the same layers as WASI 0.2. Its functions return
 * promises, streams and futures, which only glue made for suspending takes.
 */
import { systemClock, systemRandom } from '../../../core/index.ts'
import { createStdio } from '../cli/index.ts'
import { GuestExit } from '../ends.ts'
import { packAnswer, unpackCall } from '../http/packing.ts'
import { httpPartName } from '../http/wire.ts'
import type { HostLine } from '../line.ts'
import type { GuestExports, Part, PartContext, PartKind } from '../part.ts'
import { createCli } from './cli.ts'
import { createClocks } from './clocks.ts'
import { createFilesystem } from './filesystem/index.ts'
import { createHttp, hasHandler } from './http/index.ts'
import { createRandom } from './random.ts'
import { createSockets } from './sockets/index.ts'
import type { P3World, Waiting } from './world.ts'

const name = 'wasi:p3'

/**
 * The part that takes an invocation of `asked`: an http request goes to this one where the guest's handler is that of
 * 0.3, so that the node need not know which of the two a guest has.
 */
export function partFor(asked: string, exports: GuestExports): string {
  return asked === httpPartName && hasHandler(exports) ? name : asked
}

/** Its invocation `handle` is that of `wasi:http`: the same call, the same answer, the same channel. */
export const p3Part: PartKind = {
  name,
  create(context: PartContext): Part {
    const waiting = waitingOf(context.line)
    const world = worldOf(context, waiting)
    const http = createHttp(context, waiting)
    return {
      imports: {
        ...createCli(world),
        ...createClocks(world),
        ...createRandom(world),
        ...createFilesystem(context, waiting),
        ...createSockets(context, waiting),
        ...http.imports,
      },
      invoke(exports, method, args, channel) {
        if (method !== 'handle') throw new Error(`wasi:p3 has no invocation ${method}`)
        return http.handle(exports, unpackCall(args), channel).then(packAnswer)
      },
    }
  },
}

function waitingOf(line: HostLine): Waiting {
  return {
    whenReady(waitable) {
      if (line.whenReady === undefined) throw new Error('this sandbox cannot wait without sleeping')
      return line.whenReady(waitable)
    },
  }
}

function worldOf({ line, settings, hold }: PartContext, waiting: Waiting): P3World {
  const stdio = createStdio(line, settings)
  return {
    stdin: () => stdio.stdin(),
    stdout: () => stdio.stdout(),
    stderr: () => stdio.stderr(),
    settings,
    clock: systemClock,
    random: systemRandom,
    waiting,
    hold,
    exit(code) {
      throw new GuestExit(code)
    },
  }
}
