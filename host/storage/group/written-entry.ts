/** An entry as it is on the disk and on the wire: CBOR lists, with numbers for replicas, whose names are long. */
import { decodeCbor, encodeCbor } from '../../../core/index.ts'
import type { Entry, Sibling, Tally } from './entry.ts'

/** Numbers for the names of replicas, wherever the entry is written. */
export interface ReplicaNumbers {
  /** Stamps are written as what they are more, so that they are short. */
  readonly baseMs: number
  numberOf(replica: string): number
  /** @throws where there is none */
  nameOf(number: number): string
}

/** Every bound of one entry from outside. */
export const entryLimits = {
  /** One for each replica that wrote without knowing of the others. */
  siblings: 256,
  tallies: 4_096,
  context: 16_384,
} as const

export function entryFields({ siblings, tallies, context }: Entry, numbers: ReplicaNumbers): unknown[] {
  const fields: unknown[] = [
    siblings.map(({ replica, counter, stamp, value, seen }) => {
      const ms = stamp.ms === 0 ? 0 : stamp.ms - numbers.baseMs + 1
      const first = [numbers.numberOf(replica), counter, ms, stamp.count, value]
      return seen.length === 0 ? first : [...first, seen.map((tally) => tallyFields(tally, numbers))]
    }),
  ]
  if (tallies.length + context.size > 0) fields.push(tallies.map((tally) => tallyFields(tally, numbers)))
  if (context.size > 0)
    fields.push([...context].map(([replica, counter]) => [numbers.numberOf(replica), counter]))
  return fields
}

function tallyFields({ replica, counter, life, sum }: Tally, numbers: ReplicaNumbers): unknown[] {
  return [numbers.numberOf(replica), counter, life, String(sum)]
}

/** @throws for anything that {@link entryFields} does not write, or over the limits */
export function entryFrom(fields: unknown, numbers: ReplicaNumbers): Entry {
  const [siblings, tallies = [], context = []] = list(fields, 3)
  return {
    siblings: list(siblings, entryLimits.siblings).map((sibling) => siblingFrom(sibling, numbers)),
    tallies: list(tallies, entryLimits.tallies).map((tally) => tallyFrom(tally, numbers)),
    context: new Map(
      list(context, entryLimits.context).map((pair): [string, number] => {
        const [number, counter] = list(pair, 2)
        return [numbers.nameOf(count(number)), count(counter)]
      }),
    ),
  }
}

function siblingFrom(fields: unknown, numbers: ReplicaNumbers): Sibling {
  const [number, counter, ms, stampCount, value, seen = []] = list(fields, 6)
  if (value !== null && !(value instanceof Uint8Array)) throw new Error('a value is neither bytes nor null')
  return {
    replica: numbers.nameOf(count(number)),
    counter: count(counter),
    stamp: { ms: count(ms) === 0 ? 0 : count(count(ms) + numbers.baseMs - 1), count: count(stampCount) },
    value,
    seen: list(seen, entryLimits.tallies).map((tally) => tallyFrom(tally, numbers)),
  }
}

function tallyFrom(fields: unknown, numbers: ReplicaNumbers): Tally {
  const [number, counter, life, sum] = list(fields, 4)
  const read = typeof sum === 'string' && sum.length <= 40 && /^-?\d{1,39}$/.test(sum) ? BigInt(sum) : null
  if (read === null) throw new Error('a sum is no number')
  return { replica: numbers.nameOf(count(number)), counter: count(counter), life: count(life), sum: read }
}

export function list(value: unknown, most: number): readonly unknown[] {
  if (!Array.isArray(value) || value.length > most) throw new Error(`a list of at most ${most} is missing`)
  return value as readonly unknown[]
}

export function count(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < 0)
    throw new Error('a number is no count')
  return value
}

/** For the disk. */
export function writtenEntry(entry: Entry, numbers: ReplicaNumbers): Uint8Array {
  return encodeCbor(entryFields(entry, numbers))
}

/** @throws where it is not as it was written */
export function readEntry(bytes: Uint8Array, numbers: ReplicaNumbers): Entry {
  return entryFrom(decodeCbor(bytes, { maxBytes: 512 * 1024 * 1024, maxItems: 4_194_304 }), numbers)
}
