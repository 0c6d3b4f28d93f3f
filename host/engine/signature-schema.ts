/** Types of functions as they come from a file or another node: a schema, as nothing there is known to be one. */
import * as v from 'valibot'
import { plainText } from '../../core/index.ts'
import { primitives, type Signature, type WitShape } from './component-types.ts'

/** Also as text that people read. */
const name = v.pipe(
  v.string(),
  v.maxLength(1_000),
  v.check((text) => plainText(text) === text),
)
const shape: v.GenericSchema<WitShape> = v.lazy(() => v.variant('kind', shapes))
const unsure = v.nullable(shape)
const members = v.array(v.object({ name, type: unsure }))
const names = v.array(name)
const shapes = [
  v.object({ kind: v.picklist(['record', 'variant']), name: v.optional(name), members }),
  v.object({ kind: v.picklist(['flags', 'enum']), name: v.optional(name), names }),
  v.object({ kind: v.literal('tuple'), items: v.array(unsure) }),
  v.object({ kind: v.picklist(['list', 'option']), item: unsure }),
  v.object({ kind: v.literal('result'), ok: unsure, err: unsure }),
  v.object({ kind: v.picklist([...primitives, 'handle']) }),
] as const

export const signatureSchema: v.GenericSchema<Signature> = v.object({
  kind: v.literal('function'),
  parameters: members,
  result: unsure,
})
