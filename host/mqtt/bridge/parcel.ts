/** A message on its way to a broker, as it lies in the queue on the disk. */
import * as v from 'valibot'
import { decodeCbor, encodeCbor } from '../../../core/index.ts'
import type { MetadataPair } from '../contract.ts'

export interface Parcel {
  readonly to: string
  readonly isRetained: boolean
  readonly contentType: string | null
  readonly metadata: readonly MetadataPair[]
  readonly body: Uint8Array
}

const schema = v.strictObject({
  to: v.string(),
  isRetained: v.boolean(),
  contentType: v.nullable(v.string()),
  metadata: v.array(v.tuple([v.string(), v.string()])),
  body: v.instance(Uint8Array),
})

export function encodeParcel({ to, isRetained, contentType, metadata, body }: Parcel): Uint8Array {
  return encodeCbor({ to, isRetained, contentType, metadata: metadata.map((pair) => [...pair]), body })
}

/** @returns null for what is none: a damaged file, or one of a later version */
export function decodeParcel(bytes: Uint8Array): Parcel | null {
  try {
    const result = v.safeParse(
      schema,
      decodeCbor(bytes, { maxBytes: bytes.length, maxDepth: 4, maxItems: 512 }),
    )
    return result.success ? result.output : null
  } catch {
    return null
  }
}
