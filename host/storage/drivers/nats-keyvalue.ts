/** `driver = "nats"` for entries: a bucket of JetStream’s key-value store for each app, which nodes may share. */
import { keyValueLimits } from '../limits.ts'
import type { KeyValueDriver } from './contract.ts'
import { natsOptions, natsServer, type NatsOptions } from './nats-server.ts'
import { NatsServerConnection } from './nats/connection.ts'
import { NatsStore } from './nats/store.ts'

export const natsKeyValueDriver: KeyValueDriver<NatsOptions> = {
  kind: 'nats',
  summary: 'NATS JetStream',
  options: natsOptions,
  open(options, { clock }) {
    const connection = new NatsServerConnection(natsServer(options, clock), clock)
    return {
      store: (app) => new NatsStore(connection, app, keyValueLimits),
      close: () => connection.close(),
    }
  },
}
