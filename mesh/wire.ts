/** The network that a mesh stands on, and who may speak on it. */
import { createGate } from './admission/index.ts'
import type { MeshOptions } from './mesh-options.ts'
import type { Stores } from './stores.ts'
import type { MeshTraffic } from './traffic.ts'
import { createTransport, openPortMemory, type Transport } from './transport/index.ts'

export function createWire(options: MeshOptions, stores: Stores, traffic: MeshTraffic): Transport {
  const { identity, listen, announce, mdns, clock, random, log } = options
  const { trust, credentials } = stores
  return (options.createTransport ?? createTransport)({
    privateKeySeed: identity.seed,
    listen,
    announce,
    ports: openPortMemory(options.folder, log),
    mdns,
    gate: createGate({ meshId: trust.meshId, self: identity.nodeId, credentials }),
    clock,
    random,
    log,
    traffic: traffic.byProtocol,
  })
}
