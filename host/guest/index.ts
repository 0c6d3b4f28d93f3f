/** The public face of what runs inside a sandbox: the contracts of its parts, and what the node needs to talk to it. */
export * from './bytes.ts'
export * from './line.ts'
export * from './part.ts'
export * from './wit-error.ts'
