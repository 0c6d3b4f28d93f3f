/** The public face of mesh/membership/: who is alive, and what each node says of itself. */
export { Detector, detectorDefaults } from './detector.ts'
export type { DetectorEvent, DetectorOptions, Opinion, Verdict } from './detector.ts'
export { openNodeRecords, type HeldRecord, type NodeRecords } from './node-records.ts'
export { membershipProblems } from './problems.ts'
export { MembershipWatch } from './watch.ts'
