/** The public face of host/build: from an app's folder to its component. */
export * from './build.ts'
export type { WrittenBindings } from './language.ts'
export * from './problems.ts'
