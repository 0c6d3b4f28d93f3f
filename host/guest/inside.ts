/** The second face of this folder: what the entries of sandboxes are made of. The node itself never loads it. */
export { wasiParts } from './parts.ts'
export { cells, sharedCells, spareArgument, type ToShared } from './protocol.ts'
export { closeRealm } from './realm.ts'
export { createSandbox, type InnerSandbox } from './sandbox-run.ts'
export { SharedPort } from './shared-transport.ts'
export { PipeTransport, throughFrames } from './pipe-transport.ts'
export { ThreadTransport } from './thread-transport.ts'
export { warmUp } from './warm-up.ts'
