/** What a component exports, types and all, as one digest: two builds of one app have the same. */
import { digestOf, type Digest } from '../../core/index.ts'
import type { ComponentFunctions } from '../engine/index.ts'

/** In whatever order the compiler left them. */
export function exportTypesOf(exports: ComponentFunctions['exports']): Digest {
  const sorted = exports
    .map(({ id, functions }) => ({
      id,
      functions: [...functions].sort((one, other) => byKey(one.name, other.name)),
    }))
    .sort((one, other) => byKey(one.id, other.id))
  return digestOf(Buffer.from(JSON.stringify(sorted)))
}

function byKey(one: string, other: string): number {
  return one < other ? -1 : 1
}
