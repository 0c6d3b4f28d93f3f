/** The public face of core/: what both the mesh and the host stand on. */
export * from './clock.ts'
export * from './digest.ts'
export * from './errors.ts'
export * from './files.ts'
export * from './lifecycle.ts'
export * from './log.ts'
