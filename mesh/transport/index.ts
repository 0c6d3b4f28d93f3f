/** The public face of mesh/transport/: the only folder that knows libp2p. */
export { parseAddress, peerOfAddress } from './address.ts'
export {
  transportLimits,
  type AdmissionGate,
  type Channel,
  type ChannelHandler,
  type NodeId,
  type ProtocolOptions,
  type Transport,
  type TransportEvents,
} from './contract.ts'
export { dialFailureOf, type DialFailure } from './dial-failure.ts'
export { transportProblems } from './problems.ts'
export { ProtocolTraffic, type ProtocolTally } from './protocol-traffic.ts'
export { PeerChannels, type PeerChannelsOptions, type PeerChannelsParts } from './peer-channels.ts'
export { Redialler, type RedialParts } from './redialler.ts'
export { createTransport, type TransportOptions } from './transport.ts'
