/** The public face of the engine: from a component's bytes to a sandbox that answers calls. */
export * from './contract.ts'
export { createEngine, type EngineOptions } from './engine.ts'
export type { EngineLimits } from './limits.ts'
export { refusalOfFeatures } from './feature-check.ts'
export { allP3Offers, type P3Offer } from './p3-offers.ts'
export { supportedFeatures } from './probe.ts'
export { engineProblems } from './problems.ts'
export { engineOffers, type EngineOffer } from './wasi-offers.ts'
