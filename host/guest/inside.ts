/** The second face of this folder: what the entries of sandboxes are made of. The node itself never loads it. */
export { wasiParts } from './parts.ts'
export { cells } from './protocol.ts'
export { createSandbox } from './sandbox-run.ts'
export { PipeTransport } from './pipe-transport.ts'
export { ThreadTransport } from './thread-transport.ts'
