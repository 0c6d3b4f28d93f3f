/** The public face of preview1: what a core module of WASI's first generation imports. */
export { createPreview1, type Preview1, type Preview1Options } from './preview1.ts'
export type { Preview1Clock } from './context.ts'
