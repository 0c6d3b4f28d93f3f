/**
 * What an app asks a node for beside grants: the arguments of its command, and how much it may keep. A node's owner
 * may allow less; what is left out is the node's own choice.
 */
import * as v from 'valibot'
import type { Quotas } from '../../mesh/index.ts'
import { sizeField } from '../toml/index.ts'

/** Those of the signed record, as a person is told them. */
export const askBounds = { args: 64, argLength: 4096, argsLength: 16_384, entries: 1_000_000_000 } as const

const argument = v.pipe(
  v.string(),
  v.maxLength(askBounds.argLength, `is too long; at most ${askBounds.argLength} characters`),
  v.check((text) => !text.includes('\0'), 'holds a zero character; remove it'),
)

export const argumentsField = v.pipe(
  v.array(argument),
  v.maxLength(askBounds.args, `has more than ${askBounds.args} entries; remove some`),
  v.check(
    (args) => args.join('').length <= askBounds.argsLength,
    `has more than ${askBounds.argsLength} characters in all; put some of it under [config]`,
  ),
)

const size = v.optional(sizeField('0 B', '8192 GiB'))
const range = `must be a whole number from 0 to ${askBounds.entries}`
const count = v.optional(
  v.pipe(v.number(), v.integer(range), v.minValue(0, range), v.maxValue(askBounds.entries, range)),
)

/** Further tables under `[limits]`. */
export const quotaFields = {
  /** Of each folder that it may write to: all that is in it, whoever put it there. */
  folders: v.optional(v.strictObject({ size, files: count }), {}),
  keyvalue: v.optional(v.strictObject({ size, keys: count }), {}),
  blobstore: v.optional(v.strictObject({ size, objects: count }), {}),
}

type Asked = { readonly [Store in keyof typeof quotaFields]: v.InferOutput<(typeof quotaFields)[Store]> }

/** Only what was said: a record names no defaults, so that a node's own may change. */
export function quotasOf({ folders, keyvalue, blobstore }: Asked): Quotas {
  const asked: Quotas = {
    folderBytes: folders.size,
    folderFiles: folders.files,
    keyValueBytes: keyvalue.size,
    keyValueKeys: keyvalue.keys,
    blobBytes: blobstore.size,
    blobObjects: blobstore.objects,
  }
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined))
}
