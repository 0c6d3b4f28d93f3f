/** The public face of host/calls: which node answers a call, and the way there and back. */
export * from './contract.ts'
export { callProblems } from './problems.ts'
export type { Departure } from './departures.ts'
export type { CallObserver } from './dispatcher.ts'
export { MeshRouter, type RouterNeeds } from './router.ts'
