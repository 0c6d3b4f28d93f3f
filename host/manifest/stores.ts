/** `[stores.NAME]`: with whom a bucket of wasi:keyvalue is shared. */
import * as v from 'valibot'
import type { StoreRule } from '../../mesh/index.ts'
import { namePattern } from '../interfaces/index.ts'
import { nameRefusal } from './triggers.ts'

const most = 32

export const storesSchema = v.pipe(
  v.record(
    v.pipe(v.string(), v.regex(namePattern, nameRefusal)),
    v.strictObject({
      /** `node`, as where nothing is said: kept on each node for itself. `group`: one for the nodes of a group. */
      scope: v.picklist(['node', 'group'], 'is no scope of a store; write "node" or "group"'),
    }),
  ),
  v.check((stores) => Object.keys(stores).length <= most, `has more than ${most} entries; remove some`),
)

/** Only what differs from the usual. */
export function storesOf(written: v.InferOutput<typeof storesSchema>): Readonly<Record<string, StoreRule>> {
  const shared = Object.entries(written).filter(([, { scope }]) => scope === 'group')
  return Object.fromEntries(shared.map(([name]): [string, StoreRule] => [name, { scope: 'group' }]))
}
