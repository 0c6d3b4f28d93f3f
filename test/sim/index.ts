/** What simulations stand on: chance from a seed and time that is told to pass. */
export { SeededRandom, simSeed, withSeed } from './random.ts'
export { VirtualClock } from './virtual-clock.ts'
export { VirtualNetwork, type LinkQuality } from './network.ts'
