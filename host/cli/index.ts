/** The public face of host/cli: one run of the program, and what it expects of the node that `up` starts. */
export type { NodeOptions, NodeStarter, RunningNode } from './node-starter.ts'
export { askAt } from './ask-at.ts'
export { awake } from './awake.ts'
export { wantsColour } from './paint.ts'
export { cliProblems } from './problems.ts'
export { renderError } from './render-error.ts'
export { runCli } from './run.ts'
export { Interruption, type Output, type World } from './world.ts'
