/** The public face of host/fit: what a node can give, what a release needs, and which of its components goes there. */
export { tierOf, tierText, type Capabilities, type Tier } from './capabilities.ts'
export { measureCapabilities, withoutFeatures } from './measure.ts'
export { isMachineNeed, machineNeeds, meetsNeed, type MachineNeed } from './needs.ts'
export { fitProblems } from './problems.ts'
export { requirementsOf, whyNot, type Requirements } from './why-not.ts'
export { fitted, misfits } from './variant.ts'
