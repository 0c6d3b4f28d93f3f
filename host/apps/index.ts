/** The public face of the apps: from releases the mesh wants to apps that run. */
export { AppLog, type AppLogLimits } from './app-log.ts'
export type { FetchComponent, FetchProgress } from './acquisition.ts'
export { appProblems } from './problems.ts'
export { placedHere, type DesiredRelease } from './release.ts'
export { createAppSupervisor, type AppSupervisor, type AppSupervisorNeeds } from './supervisor.ts'
