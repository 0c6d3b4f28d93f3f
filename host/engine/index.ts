/** The public face of the engine: from a component's bytes to a sandbox that answers calls. */
export * from './contract.ts'
export { engineProblems } from './problems.ts'
