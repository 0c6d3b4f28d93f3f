/**
 * Messages about one store on one channel, in few bytes: replicas go by numbers that were given when they were first named,
 * and of a vector only what has changed since the last one is said. Both ends keep count, as a channel loses nothing and
 * keeps the order; with a new channel both begin anew.
 */
import { decodeCbor, encodeCbor } from '../../core/index.ts'
import {
  beyond,
  count,
  covers,
  entryFields,
  entryFrom,
  joined,
  list,
  type Batch,
  type Position,
  type ReplicaNumbers,
  type SentEntry,
  type Vector,
} from '../storage/index.ts'
import { replicaLimits, type ReplicaMessage, type WantedFrom } from './messages.ts'

const types = ['summary', 'want', 'batch', 'heard'] as const

/** The app that a message is about. @throws for what is no message */
export function appOf(bytes: Uint8Array): { readonly app: string; readonly fields: readonly unknown[] } {
  const { frameBytes, items } = replicaLimits
  const fields = list(decodeCbor(bytes, { maxBytes: frameBytes, maxItems: items }), 8)
  const [app] = fields
  if (typeof app !== 'string' || app.length > 63) throw new Error('a message names no app')
  return { app, fields }
}

/** What one side has said so far. */
class Said implements ReplicaNumbers {
  baseMs = 1
  vector: Vector = new Map()
  fresh: string[] = []
  readonly #numbers = new Map<string, number>()
  readonly #names: string[] = []

  numberOf(replica: string): number {
    const known = this.#numbers.get(replica)
    if (known !== undefined) return known
    this.fresh.push(replica)
    return this.learn(replica)
  }

  learn(replica: string): number {
    if (this.#names.length >= replicaLimits.replicas) throw new Error('there are too many replicas')
    const number = this.#names.length
    this.#names.push(replica)
    this.#numbers.set(replica, number)
    return number
  }

  nameOf(number: number): string {
    const name = this.#names[number]
    if (name === undefined) throw new Error(`replica ${number} was not named`)
    return name
  }
}

export class Session {
  readonly #app: string
  readonly #ours = new Said()
  readonly #theirs = new Said()

  constructor(app: string) {
    this.#app = app
  }

  encode(message: ReplicaMessage): Uint8Array {
    const ours = this.#ours
    ours.fresh = []
    const body = bodyOf(message, ours)
    return encodeCbor([this.#app, types.indexOf(message.type), ours.fresh, ...body])
  }

  /** @param fields of {@link appOf} @throws for what is no message of this session */
  decode(fields: readonly unknown[]): ReplicaMessage {
    const [, type, names, ...body] = fields
    for (const name of list(names, replicaLimits.replicas)) {
      if (typeof name !== 'string' || !/^[A-Za-z0-9]{1,80}\/[0-9a-f]{12}$/.test(name))
        throw new Error('a replica has no name')
      this.#theirs.learn(name)
    }
    const found = types[count(type)]
    if (found === undefined) throw new Error(`there is no message ${String(type)}`)
    return messageFrom(found, body, this.#theirs)
  }
}

function bodyOf(message: ReplicaMessage, said: Said): unknown[] {
  switch (message.type) {
    case 'summary':
      return [
        changesOf(message.vector, said),
        message.digest,
        message.wallMs,
        ...(message.life === undefined ? [] : [message.life === null ? null : said.numberOf(message.life)]),
      ]
    case 'want':
      return message.from.type === 'range'
        ? [1, message.from.after]
        : [
            0,
            pairs(beyond(message.from.after, said.vector), said),
            pairs(behind(message.from.after, said.vector), said),
          ]
    case 'batch':
      return batchFields(message.batch, said)
    case 'heard':
      return [message.rows.map(([node, vector]) => [node, pairs(vector, said)])]
  }
}

function messageFrom(type: (typeof types)[number], body: readonly unknown[], said: Said): ReplicaMessage {
  switch (type) {
    case 'summary': {
      const [changes, digest, wallMs, life] = body
      if (typeof digest !== 'string' || !/^[0-9a-f]{1,16}$/.test(digest))
        throw new Error('a summary has no digest')
      const summary = { type, vector: changed(changes, said), digest, wallMs: count(wallMs) }
      if (life === undefined) return summary
      return { ...summary, life: life === null ? null : said.nameOf(count(life)) }
    }
    case 'want':
      return { type, from: wantedFrom(body, said) }
    case 'batch':
      return { type, batch: batchFrom(body, said) }
    case 'heard':
      return {
        type,
        rows: list(body[0], replicaLimits.heardRows).map((row): [string, Vector] => {
          const [node, vector] = list(row, 2)
          if (typeof node !== 'string' || node.length > 80) throw new Error('a row names no node')
          return [node, readPairs(vector, said)]
        }),
      }
  }
}

/** Of a vector that only grows: what it says more than the last time. */
function changesOf(vector: Vector, said: Said): unknown[] {
  const changes = pairs(beyond(vector, said.vector), said)
  said.vector = joined(said.vector, vector)
  return changes
}

function changed(changes: unknown, said: Said): Vector {
  said.vector = joined(said.vector, readPairs(changes, said))
  return said.vector
}

/** What was said of a vector that this one does not have. */
function behind(vector: Vector, said: Vector): Map<string, number> {
  const lower = [...said].filter(([replica, counter]) => !covers(vector, replica, counter))
  return new Map(lower.map(([replica]) => [replica, vector.get(replica) ?? 0]))
}

function wantedFrom([type, first, second]: readonly unknown[], said: Said): WantedFrom {
  if (type === 1) return { type: 'range', after: positionFrom(first) }
  const after = joined(said.vector, readPairs(first, said))
  for (const [replica, counter] of readPairs(second, said)) after.set(replica, counter)
  return { type: 'changes', after }
}

function pairs(vector: Vector, said: Said): unknown[] {
  return [...vector].map(([replica, counter]) => [said.numberOf(replica), counter])
}

function readPairs(value: unknown, said: Said): Map<string, number> {
  return new Map(
    list(value, replicaLimits.replicas).map((pair): [string, number] => {
      const [number, counter] = list(pair, 2)
      return [said.nameOf(count(number)), count(counter)]
    }),
  )
}

function batchFields({ vector, entries, kind, isLast, collected }: Batch, said: Said): unknown[] {
  const changes = changesOf(vector, said)
  const stamps = entries
    .flatMap(({ entry }) => entry.siblings.map(({ stamp }) => stamp.ms))
    .filter((ms) => ms > 0)
  said.baseMs = stamps.reduce((least, ms) => Math.min(least, ms), stamps[0] ?? 1)
  const byBucket = new Map<string, unknown[]>()
  for (const { bucket, key, entry } of entries) {
    const list = byBucket.get(bucket) ?? []
    byBucket.set(bucket, list)
    list.push([key, entryFields(entry, said)])
  }
  return [
    changes,
    said.baseMs,
    [...byBucket],
    kindFields(kind, vector, said),
    isLast ? pairs(collected, said) : null,
  ]
}

function kindFields(kind: Batch['kind'], vector: Vector, said: Said): unknown[] {
  // Of how far it came only what falls short of all that the sender knows.
  if (kind.type === 'changes') return [0, pairs(behind(kind.upTo, vector), said)]
  if (kind.type === 'range') return [1, kind.after, kind.to]
  return [2, said.numberOf(kind.replica), kind.after, kind.to]
}

function batchFrom([changes, baseMs, buckets, kind, collected]: readonly unknown[], said: Said): Batch {
  const vector = changed(changes, said)
  said.baseMs = count(baseMs)
  const entries = list(buckets, replicaLimits.entries).flatMap((pair): SentEntry[] => {
    const [bucket, keys] = list(pair, 2)
    return list(keys, replicaLimits.entries).map((item) => {
      const [key, fields] = list(item, 2)
      if (typeof bucket !== 'string' || typeof key !== 'string') throw new Error('a key is no text')
      return { bucket, key, entry: entryFrom(fields, said) }
    })
  })
  const isLast = collected !== null
  return {
    vector,
    entries,
    kind: kindFrom(list(kind, 4), vector, said),
    isLast,
    collected: isLast ? readPairs(collected, said) : new Map(),
  }
}

function kindFrom(
  [type, first, second, third]: readonly unknown[],
  vector: Vector,
  said: Said,
): Batch['kind'] {
  if (type === 0) return { type: 'changes', upTo: joinedOver(vector, readPairs(first, said)) }
  if (type === 1) return { type: 'range', after: positionFrom(first), to: positionFrom(second) }
  if (type !== 2) throw new Error('a batch is of no kind')
  return { type: 'fresh', replica: said.nameOf(count(first)), after: count(second), to: count(third) }
}

function joinedOver(vector: Vector, lower: Vector): Vector {
  return new Map([...vector, ...lower])
}

function positionFrom(value: unknown): Position | null {
  if (value === null) return null
  const [bucket, key] = list(value, 2)
  if (typeof bucket !== 'string' || typeof key !== 'string') throw new Error('a place is no bucket and key')
  return [bucket, key]
}
