/**
 * What passes between the node and the short-lived child that prepares a component. Kept apart from what the child
 * runs, so that the transpiler does not end up in the program.
 */

/** `inspect` leaves out the output. */
export interface PrepareJob {
  readonly mode: 'inspect' | 'prepare'
  readonly memoryBytes: number
  readonly tableEntries: number
  /** WebAssembly features that apps may use on this node; what needs another one is refused. */
  readonly features: readonly string[]
}

export interface PreparedModule {
  readonly name: string
  /** A memory or a table of its own: such a module may be instantiated once only, or its limit would count twice. */
  readonly hasMemory: boolean
}

/** The part of a packed answer that is the glue; all others are core modules. */
export const glueName = 'component.js'

/** In the answer's header where the component was refused. */
export interface Refusal {
  readonly code: string
  readonly message: string
  readonly hint: string
}
