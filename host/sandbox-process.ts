/**
 * Entry of a sandbox in a process of its own. Once its instance is made it never goes back to an event loop: it
 * sleeps in a read, whether it waits for work or its guest waits for the host. When the node is gone the read ends,
 * and so does this.
 */
import { setFlagsFromString } from 'node:v8'
import {
  closeRealm,
  createSandbox,
  PipeTransport,
  spareArgument,
  throughFrames,
  warmUp,
  wasiParts,
} from './guest/inside.ts'

// V8 takes code in only where all flags are those that it was made with. What this one is for has been done by now.
setFlagsFromString('--max-old-space-size=0')

const isSpare = process.argv[2] === spareArgument
closeRealm()
if (isSpare) await warmUp(wasiParts, throughFrames)

const transport = new PipeTransport()
const sandbox = createSandbox({ transport, parts: wasiParts, begun: () => {} })
sandbox.take(transport.next())
await sandbox.booted
for (;;) {
  const pending = sandbox.take(transport.next())
  if (pending !== null) await pending
}
