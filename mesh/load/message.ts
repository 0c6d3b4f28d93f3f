/** What a node says it has to do: calls under way by app, as powers of two. A CBOR array, bounded, read at the border. */
import * as v from 'valibot'
import { decodeCbor, encodeCbor } from '../../core/index.ts'

/** Calls under way of an app: 1, 2, 4 … Apps without any are not named. */
export type Load = ReadonlyMap<string, number>

export const loadLimits = {
  /** Of a node, told to others: those with the most to do. */
  apps: 64,
  frameBytes: 8 * 1024,
  /** 2 to this power: more calls than a node ever has under way. */
  highestPower: 16,
} as const

const entry = v.strictTuple([
  v.pipe(v.string(), v.regex(/^[a-z][a-z0-9-]{0,62}$/)),
  v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(loadLimits.highestPower)),
])
const list = v.pipe(v.array(entry), v.maxLength(loadLimits.apps))

/** @param load of whatever numbers: told as the nearest power of two */
export function encodeLoad(load: Load): Uint8Array {
  const most = [...load].sort(([, a], [, b]) => b - a).slice(0, loadLimits.apps)
  const powerOf = (calls: number): number =>
    Math.min(loadLimits.highestPower, Math.max(0, Math.round(Math.log2(calls))))
  return encodeCbor(most.map(([app, calls]) => [app, powerOf(calls)]))
}

/** @throws ERR_CBOR, or Error for what is no such list */
export function decodeLoad(bytes: Uint8Array): Load {
  const maxItems = 3 * loadLimits.apps + 1
  const value = decodeCbor(bytes, { maxBytes: loadLimits.frameBytes, maxDepth: 2, maxItems })
  const result = v.safeParse(list, value)
  if (!result.success) throw new Error(`it is no list of apps and loads: ${result.issues[0].message}`)
  return new Map(result.output.map(([app, power]) => [app, 2 ** power]))
}
