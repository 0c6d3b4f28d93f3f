/** The public face of mesh/admission/: who may come in, and how a newcomer asks. */
export { closedGate, createGate } from './gate.ts'
export { askToJoin, serveJoins, type Welcome } from './join.ts'
export { admissionProblems } from './problems.ts'
