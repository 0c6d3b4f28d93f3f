/** Options of both drivers that keep things at a NATS server. */
import * as v from 'valibot'
import type { Clock } from '../../../core/index.ts'
import { secretsOf, serverFields, serverUrl } from './options.ts'
import type { NatsServer } from './nats/connection.ts'

export const natsOptions = v.strictObject({
  /** `nats://HOST:PORT`, `tls://` for TLS. */
  url: serverUrl(['nats:', 'tls:'], 'nats://HOST:PORT'),
  /** Of `password-file`: a token where there is no username. */
  ...serverFields,
  /** Servers of a cluster that keep a copy; an acknowledged write is on most of them. */
  replicas: v.optional(v.picklist([1, 3, 5], 'is no number of replicas; write 1, 3 or 5'), 1),
})

export type NatsOptions = v.InferOutput<typeof natsOptions>

export function natsServer(table: NatsOptions, clock: Clock): NatsServer {
  const { url, username = null, replicas } = table
  return { url, username, replicas, ...secretsOf(table, clock) }
}
