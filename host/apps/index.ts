/** The public face of the apps: from releases the mesh wants to apps that run. */
export { AppLog } from './app-log.ts'
export type { AppEvents } from './app-events.ts'
export type { FetchComponent } from './acquisition.ts'
export type { NodeFolder, NodeFolders } from './folders.ts'
export type { Returned } from './written-calls.ts'
export { shortestName, shortName } from './exported-functions.ts'
export type { CallFunction } from './functions.ts'
export { appProblems } from './problems.ts'
export type { DesiredRelease } from './release.ts'
export {
  readDescription,
  readWrittenAnswer,
  writtenInterface,
  type DescribedFunction,
  type WrittenAnswer,
  type WrittenCall,
} from './written-calls.ts'
export { createAppSupervisor, type AppSupervisor, type AppSupervisorNeeds } from './supervisor.ts'
