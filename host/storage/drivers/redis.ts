/**
 * `driver = "redis"`: at a Redis server, which nodes may share: apps of one name have one store there, whichever node they
 * run on. How sure an acknowledged write is, is the server's doing: only with `appendfsync always` is it on a disk.
 */
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { keyValueLimits } from '../limits.ts'
import type { KeyValueDriver } from './contract.ts'
import { secretFileField, serverUrl } from './options.ts'
import { RedisConnection } from './redis/connection.ts'
import { RedisStore } from './redis/store.ts'

const options = v.strictObject({
  /** `redis://HOST:PORT/DATABASE`, `rediss://` for TLS. */
  url: serverUrl(['redis:', 'rediss:'], 'redis://HOST:PORT'),
  username: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(1_024))),
  /** Its first line is the password; read anew for each connection. */
  'password-file': secretFileField,
})

export const redisDriver: KeyValueDriver<v.InferOutput<typeof options>> = {
  kind: 'redis',
  summary: 'a Redis server',
  options,
  open({ url, username, 'password-file': file }, { clock }) {
    const password = async (): Promise<string | null> =>
      file === undefined ? null : (await readFile(file, 'utf8')).split(/\r?\n/)[0] || null
    const connection = new RedisConnection({ url, username: username ?? null, password }, clock)
    return {
      store: (app) => new RedisStore(connection, app, keyValueLimits),
      close: () => connection.close(),
    }
  },
}
