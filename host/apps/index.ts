/** The public face of the apps: from releases the mesh wants to apps that run. */
export { AppLog } from './app-log.ts'
export type { FetchComponent } from './acquisition.ts'
export type { NodeFolder, NodeFolders } from './folders.ts'
export type { CallFunction, Returned } from './functions.ts'
export { appProblems } from './problems.ts'
export type { DesiredRelease } from './release.ts'
export { createAppSupervisor, type AppSupervisor, type AppSupervisorNeeds } from './supervisor.ts'
