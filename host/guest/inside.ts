/** The second face of this folder: what the entries of sandboxes are made of. The node itself never loads it. */
export { wasiParts } from './parts.ts'
export { cells } from './protocol.ts'
export { runSandbox } from './sandbox-run.ts'
export { ThreadTransport } from './thread-transport.ts'
