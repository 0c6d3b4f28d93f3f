/**
 * What the exchange of heads says and hears, by the kind of head it is about: news of releases is worth other bytes
 * than news of nodes. A message about several kinds is shared out among them by their part in it.
 */
import type { HeadMessage } from './message.ts'

export interface HeadTally {
  /** `release`, `node` …; `comparison` for summaries and what follows from them, `other` for no known kind. */
  readonly kind: string
  /** Of messages as they are written, without their framing; whole numbers. */
  readonly receivedBytes: number
  readonly sentBytes: number
}

const comparison = 'comparison'
const other = 'other'

export class HeadTraffic {
  readonly #bytes = new Map<string, { received: number; sent: number }>()

  /** @param prefixes of the keys of each kind, `release/`: a peer may name any key, and must not make a table grow */
  constructor(prefixes: readonly string[]) {
    for (const name of [...prefixes.map(nameOf), comparison, other]) {
      this.#bytes.set(name, { received: 0, sent: 0 })
    }
  }

  received(message: HeadMessage, sizeBytes: number): void {
    for (const [kind, bytes] of this.#shares(message, sizeBytes)) kind.received += bytes
  }

  sent(message: HeadMessage, sizeBytes: number): void {
    for (const [kind, bytes] of this.#shares(message, sizeBytes)) kind.sent += bytes
  }

  /** By now; every kind is there. */
  get tallies(): HeadTally[] {
    return [...this.#bytes].map(([kind, { received, sent }]) => {
      return { kind, receivedBytes: Math.round(received), sentBytes: Math.round(sent) }
    })
  }

  #shares(message: HeadMessage, sizeBytes: number): [{ received: number; sent: number }, number][] {
    const parts = partsOf(message)
    const whole = parts.reduce((sum, { weight }) => sum + weight, 0)
    if (whole === 0) return [[this.#of(comparison), sizeBytes]]
    return parts.map(({ key, weight }) => [this.#of(nameOf(key)), (sizeBytes * weight) / whole])
  }

  #of(kind: string): { received: number; sent: number } {
    const found = this.#bytes.get(kind) ?? this.#bytes.get(other)
    if (found === undefined) throw new Error('the table lacks a row for what has no name')
    return found
  }
}

/** The keys a message is about; none where it compares, or says nothing. */
function partsOf(message: HeadMessage): { readonly key: string; readonly weight: number }[] {
  switch (message.t) {
    case 'have':
    case 'found':
      return message.ids.map(({ key }) => ({ key, weight: 1 }))
    case 'want':
      return message.keys.map((key) => ({ key, weight: 1 }))
    case 'heads':
      return message.heads.map(({ key, bytes }) => ({ key, weight: key.length + bytes.length }))
    default:
      return []
  }
}

function nameOf(key: string): string {
  return key.split('/', 1)[0] ?? key
}
