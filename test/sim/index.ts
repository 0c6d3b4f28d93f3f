/** What simulations stand on: chance from a seed, time that is told to pass, wires and disks that fail. See README.md. */
export { isSeedRepeated, SeededRandom, simSeed, withSeed, withSeedAsync } from './random.ts'
export { VirtualClock } from './virtual-clock.ts'
export { VirtualNetwork, type LinkQuality } from './network.ts'
export { PowerCut, SimDisk, type DiskStep, type Unsynced } from './disk.ts'
export { SimNetwork, type SimNetworkOptions } from './sim-network.ts'
export type { WireQuality } from './sim-connection.ts'
export { SimTransport, type SimTransportOptions, type SimTraffic } from './sim-transport.ts'
