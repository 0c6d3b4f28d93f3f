/**
 * `driver = "redis"`: at a Redis server, which nodes may share: apps of one name have one store there, whichever node they
 * run on. How sure an acknowledged write is, is the server's doing: only with `appendfsync always` is it on a disk.
 */
import * as v from 'valibot'
import { keyValueLimits } from '../limits.ts'
import type { KeyValueDriver } from './contract.ts'
import { secretsOf, serverFields, serverUrl } from './options.ts'
import { RedisConnection } from './redis/connection.ts'
import { RedisStore } from './redis/store.ts'

const options = v.strictObject({
  /** `redis://HOST:PORT/DATABASE`, `rediss://` for TLS. */
  url: serverUrl(['redis:', 'rediss:'], 'redis://HOST:PORT'),
  ...serverFields,
})

export const redisDriver: KeyValueDriver<v.InferOutput<typeof options>> = {
  kind: 'redis',
  summary: 'a Redis server',
  options,
  open(table, { clock }) {
    const { url, username = null } = table
    const server = { url, username, ...secretsOf(table, clock) }
    const connection = new RedisConnection(server, clock)
    return {
      store: (app) => new RedisStore(connection, app, keyValueLimits),
      close: () => connection.close(),
    }
  },
}
