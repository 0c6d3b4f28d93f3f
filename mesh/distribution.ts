/** What moves components between this node and others: chunks, patches, and the choice between them. */
import type { Cancel, Clock, Log, Random } from '../core/index.ts'
import { createBlobExchange, type BlobCaps, type BlobExchange } from './blobs/index.ts'
import { ComponentSource } from './component-source.ts'
import { createPatchExchange, systemCodec, type PatchCodec } from './patches/index.ts'
import type { Stores } from './stores.ts'
import type { Transport } from './transport/index.ts'

export interface DistributionParts {
  readonly stores: Stores
  readonly transport: Transport
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
  readonly caps?: BlobCaps
  readonly patchCodec?: PatchCodec
}

export interface Distribution {
  readonly exchange: BlobExchange
  readonly source: ComponentSource
  start(): Promise<void>
  stop(): Promise<void>
}

export function createDistribution(parts: DistributionParts): Distribution {
  const { stores, transport, clock, random, log, caps, patchCodec } = parts
  const { witness, blobs, releases } = stores
  const exchange = createBlobExchange({
    transport,
    store: blobs,
    clock,
    random,
    log: log.scope('blobs'),
    caps,
    report: (attack, peer, detail) => witness.seen('blob', attack, peer, detail),
  })
  const patches = createPatchExchange({
    transport,
    store: stores.patches,
    blobs,
    releases,
    codec: patchCodec ?? systemCodec(clock),
    clock,
    log: log.scope('patches'),
    report: (attack, peer, detail) => witness.seen('patch', attack, peer, detail),
  })
  const source = new ComponentSource({ blobs, exchange, patches, releases, log: log.scope('patches') })
  let cancel: Cancel | null = null
  return {
    exchange,
    source,
    async start() {
      await exchange.start?.()
      await patches.start?.()
      cancel = releases.onChange((changes) => {
        for (const { head } of changes) if (head !== null) void source.prepareFor(head.record)
      })
    },
    async stop() {
      cancel?.()
      await patches.stop?.()
      await exchange.stop?.()
    },
  }
}
