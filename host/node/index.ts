/** The public face of the composed node. */
export { nodeProblems } from './problems.ts'
export { startNode } from './start.ts'
