/** Options of both drivers that keep things at a NATS server. */
import { readFile } from 'node:fs/promises'
import * as v from 'valibot'
import { secretFileField, serverUrl } from './options.ts'
import type { NatsServer } from './nats/connection.ts'

export const natsOptions = v.strictObject({
  /** `nats://HOST:PORT`, `tls://` for TLS. */
  url: serverUrl(['nats:', 'tls:'], 'nats://HOST:PORT'),
  username: v.optional(v.pipe(v.string(), v.minLength(1), v.maxLength(1_024))),
  /** Its first line is the password, or a token where there is no username; read anew for each connection. */
  'password-file': secretFileField,
  /** Servers of a cluster that keep a copy; an acknowledged write is on most of them. */
  replicas: v.optional(v.picklist([1, 3, 5], 'is no number of replicas; write 1, 3 or 5'), 1),
})

export type NatsOptions = v.InferOutput<typeof natsOptions>

export function natsServer({ url, username, replicas, 'password-file': file }: NatsOptions): NatsServer {
  return {
    url,
    username: username ?? null,
    replicas,
    password: async () =>
      file === undefined ? null : (await readFile(file, 'utf8')).split(/\r?\n/)[0] || null,
  }
}
