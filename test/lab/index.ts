/** The public face of test/lab: hosts of network namespaces with capped lines, and the built program on them. */
export { LabHost, type Finished, type LogEvent, type NodeOptions } from './host.ts'
export { Lab, makeLab, until, type LabOptions, type MeshOptions } from './lab.ts'
export { labObstacle } from './namespaces.ts'
export { type Traffic } from './wiring.ts'
export { type SiteOptions } from './sites.ts'
