/** The public face of mesh/transport/: the only folder that knows libp2p. */
export { isLoopback as isLoopbackAddress, parseAddress, peerOfAddress } from './address.ts'
export { circuitAddress, isCircuit } from './circuit-address.ts'
export {
  circuitFrameBytes,
  circuitProtocol,
  decodeCircuitRequest,
  encodeCircuitMessage,
  gatewayProtocol,
  type CircuitAnswer,
  type CircuitRequest,
} from './circuit-messages.ts'
export { askOver } from './circuits.ts'
export {
  transportLimits,
  type AdmissionGate,
  type Channel,
  type ChannelHandler,
  type NodeId,
  type ProtocolOptions,
  type Transport,
  type TransportEvents,
  type Ways,
} from './contract.ts'
export { dialFailureOf, type DialFailure } from './dial-failure.ts'
export { openPortMemory, type PortMemory } from './port-memory.ts'
export type { KnockAnswer } from './knock.ts'
export { transportProblems } from './problems.ts'
export { ProtocolTraffic, type ProtocolTally } from './protocol-traffic.ts'
export { PeerChannels, type PeerChannelsOptions, type PeerChannelsParts } from './peer-channels.ts'
export { Redialler, type RedialParts } from './redialler.ts'
export { createTransport, type TransportOptions } from './transport.ts'
