/** The public face of host/run: a file run on this machine, outside of any mesh. */
export { runCommand, type CommandEnd, type CommandRequest } from './command.ts'
export type { ByteStreams, Granted, RunLimits, RunRequest } from './contract.ts'
export { readGrants, type TypedGrants } from './granted.ts'
export { readLimits, type TypedLimits } from './limits.ts'
export { serveApp, type ServedApp, type ServeRequest } from './serve.ts'
export { runProblems } from './problems.ts'
export { runTopic, type TopicRun } from './topic-message.ts'
export type { SaidMessage } from './topics-by-hand.ts'
