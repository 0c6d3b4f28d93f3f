/** The public face of the engine: from a component's bytes to a sandbox that answers calls. */
export * from './contract.ts'
export { createEngine, type EngineOptions } from './engine.ts'
export { satisfies, satisfiesExport } from './interface-id.ts'
export { defaultLimits, type EngineLimits } from './limits.ts'
export { engineProblems } from './problems.ts'
export { engineOffers, type EngineOffer } from './wasi-offers.ts'
