/** `driver = "nats"` for objects: an object store of JetStream for each app, which nodes may share. */
import { LazyBlobs } from '../blobs/lazy.ts'
import { blobLimits } from '../limits.ts'
import type { BlobDriver } from './contract.ts'
import { natsOptions, natsServer, type NatsOptions } from './nats-server.ts'
import { NatsBlobs } from './nats/blobs.ts'
import { NatsServerConnection } from './nats/connection.ts'

export const natsBlobDriver: BlobDriver<NatsOptions> = {
  kind: 'nats',
  summary: 'NATS JetStream',
  options: natsOptions,
  open(options, { clock }) {
    const connection = new NatsServerConnection(natsServer(options, clock), clock)
    return {
      store: (app) => new LazyBlobs(() => NatsBlobs.open(connection, app, clock, blobLimits)),
      close: () => connection.close(),
    }
  },
}
