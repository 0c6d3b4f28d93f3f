/**
 * Keys in a document that its schema does not know, all of them, each with the nearest known name.
 *
 * valibot's `strictObject` stops at the first unknown key and does not say which keys there are; so this walks
 * schema and value side by side. It sees through `optional`, `pipe`, arrays, records, variants and lazies.
 */
import type { GenericSchema } from 'valibot'
import { nearestName } from '../../core/index.ts'
import { formatPath, listNames, type TomlFinding, type TomlPath } from './finding.ts'

export interface UnknownKey extends TomlFinding {
  /** Path of the known key that was probably meant, or null. */
  readonly meant: string | null
}

/** The parts of valibot's schemas that the walk looks at. */
interface SchemaShape {
  readonly type: string
  readonly entries?: Readonly<Record<string, SchemaShape>>
  readonly wrapped?: SchemaShape
  readonly item?: SchemaShape
  readonly value?: SchemaShape
  readonly key?: unknown
  readonly options?: readonly SchemaShape[]
  readonly literal?: unknown
}

/** @returns a finding for each unknown key, in document order. */
export function findUnknownKeys(schema: GenericSchema, document: unknown): UnknownKey[] {
  const found: UnknownKey[] = []
  walk(schema as unknown as SchemaShape, document, [], found)
  return found
}

function walk(schema: SchemaShape, value: unknown, path: TomlPath, found: UnknownKey[]): void {
  if (schema.wrapped !== undefined) return walk(schema.wrapped, value, path, found)
  if (schema.type === 'array' && schema.item !== undefined && Array.isArray(value)) {
    for (const [index, item] of value.entries()) walk(schema.item, item, [...path, index], found)
    return
  }
  if (!isTable(value)) return
  if (schema.type === 'variant') {
    const option = chooseOption(schema, value)
    if (option !== undefined) walk(option, value, path, found)
  } else if (schema.type === 'record' && schema.value !== undefined) {
    for (const [key, item] of Object.entries(value)) walk(schema.value, item, [...path, key], found)
  } else if (schema.entries !== undefined) {
    walkEntries(schema, schema.entries, value, path, found)
  }
}

function walkEntries(
  schema: SchemaShape,
  entries: Readonly<Record<string, SchemaShape>>,
  value: Readonly<Record<string, unknown>>,
  path: TomlPath,
  found: UnknownKey[],
): void {
  for (const [key, item] of Object.entries(value)) {
    const entry = Object.hasOwn(entries, key) ? entries[key] : undefined
    if (entry !== undefined) walk(entry, item, [...path, key], found)
    else if (schema.type === 'strict_object') found.push(unknownKey(key, Object.keys(entries), path))
  }
}

function unknownKey(key: string, known: readonly string[], path: TomlPath): UnknownKey {
  const nearest = nearestName(key, known)
  return {
    field: formatPath([...path, key]),
    problem: nearest === null ? 'unknown key' : `unknown key; did you mean ${JSON.stringify(nearest)}?`,
    remedy:
      nearest === null ? `use ${listNames(known)}, or remove the line` : `write ${JSON.stringify(nearest)}`,
    meant: nearest === null ? null : formatPath([...path, nearest]),
  }
}

/** The option of a variant whose discriminator is the literal that the document has. */
function chooseOption(
  schema: SchemaShape,
  value: Readonly<Record<string, unknown>>,
): SchemaShape | undefined {
  const key = String(schema.key)
  return schema.options?.find((option) => option.entries?.[key]?.literal === value[key])
}

function isTable(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) && !(value instanceof Date)
}
