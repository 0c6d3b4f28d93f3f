/** The public face of mesh/carriage: signed records that travel by hand. */
export { Carriage, type CarriageParts } from './carriage.ts'
export { carriedKinds, type CarriedKind, type CarriedRecord, type CarriedVerdict } from './record.ts'
export type { CarriageWitness } from './taking.ts'
