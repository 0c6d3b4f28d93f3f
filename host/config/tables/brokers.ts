/** `[brokers.NAME]`: MQTT brokers that sensors, pins and bridges of this node name. */
import * as v from 'valibot'
import { tlsFields, tlsTableIssue } from '../../tls/index.ts'
import { durationField, sizeField } from '../../toml/index.ts'

/** As brokers and the standard bound them. */
const word = (most: number) =>
  v.pipe(
    v.string(),
    v.minLength(1, 'is empty; write one or leave the line out'),
    v.maxLength(most, `is too long; at most ${most} characters fit`),
    v.check((text) => !text.includes('\0'), 'has a zero character; leave it out'),
  )

const brokerUrl = v.pipe(
  v.string(),
  v.maxLength(512, 'is too long; write mqtt://HOST:PORT'),
  v.check(
    isBrokerUrl,
    'is no broker’s address; write "mqtt://HOST:PORT", "mqtts://HOST:PORT" for TLS, or "wss://HOST:PORT/PATH" for a WebSocket with TLS',
  ),
  v.check(
    (text) => !/^[a-z]+:\/\/[^/]*@/.test(text),
    'has a password or a user in it; write username = "…" and password-file = "…" instead',
  ),
)

const brokerEntries = v.strictObject({
  url: brokerUrl,
  username: v.optional(word(1_024)),
  /** Its first line is the password; read anew for each connection. */
  'password-file': v.optional(word(4_095)),
  'client-id': v.optional(word(256)),
  ...tlsFields,
  keepalive: v.optional(durationField('5s', '1h'), '60s'),
  version: v.optional(
    v.picklist(['auto', '5', '3.1.1'], 'is no version; write "auto", "5" or "3.1.1"'),
    'auto',
  ),
  /** Largest payload that is taken from it. */
  largest: v.optional(sizeField('1 B', '16 MiB'), '256 KiB'),
})

export const brokerTable = v.pipe(
  brokerEntries,
  v.rawCheck(({ dataset, addIssue }) => {
    if (!dataset.typed) return
    const message = tlsTableIssue(dataset.value.url, dataset.value)
    if (message !== null) addIssue({ message })
  }),
)

function isBrokerUrl(text: string): boolean {
  if (!/^(mqtts?|wss?):\/\//.test(text)) return false
  try {
    const { hostname, pathname, search, hash, protocol } = new URL(text)
    const isBare = pathname === '' || pathname === '/' || protocol.startsWith('ws')
    return hostname !== '' && isBare && search === '' && hash === ''
  } catch {
    return false
  }
}
