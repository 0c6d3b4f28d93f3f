/** The public face of host/calls: which node answers a call, and the way there and back. */
export * from './contract.ts'
export { callProblems } from './problems.ts'
