/** `[storage]`: the most that one app may store, whatever it asks for. */
import * as v from 'valibot'
import { usualStorage } from '../../storage/index.ts'
import { bounded, mostItems, size } from '../fields.ts'

export const storageTable = v.strictObject({
  keyvalue: v.optional(
    v.strictObject({
      size: size(usualStorage.keyValue.bytes),
      keys: bounded(usualStorage.keyValue.items, 0, mostItems),
    }),
    {},
  ),
  blobstore: v.optional(
    v.strictObject({
      size: size(usualStorage.blobs.bytes),
      objects: bounded(usualStorage.blobs.items, 0, mostItems),
    }),
    {},
  ),
})
