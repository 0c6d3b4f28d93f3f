/**
 * What is said of a component's interfaces and functions: the `///` comments of its WIT, for people who call them.
 *
 * Component binaries have no place for docs. WIT packages in binary form keep them in a custom section, `package-docs`: a
 * byte, 0 or 1, and JSON (wit-parser, metadata.rs). It names interfaces without their package, and its readers refuse one
 * that names what the component does not have, so that what `selvedge build` writes is a section of our own: the same,
 * with interfaces by their id. Both are read from the outermost level, and neither is believed in more than its size.
 */
import * as v from 'valibot'
import { plainLines, wholeStart } from '../../core/index.ts'
import { ByteReader, encodeU32, MalformedError } from './byte-reader.ts'

/** Of functions in an interface, or in the world itself. */
export interface InterfaceDocs {
  readonly docs?: string | undefined
  readonly funcs: Readonly<Record<string, { readonly docs?: string | undefined }>>
}

/** By the interface's id, with its version; empty for what the world itself has. */
export type ComponentDocs = ReadonlyMap<string, InterfaceDocs>

export const docsLimits = {
  /** Of a section: more is no help to anybody. */
  sectionBytes: 262_144,
  /** Of one function or interface, UTF-16 units. */
  chars: 2_000,
  /** Of a component: it is kept in memory while the app runs. */
  totalChars: 32_768,
} as const

const ownSection = 'selvedge-wit-docs'
const packageSection = 'package-docs'

const ownDocs = v.optional(v.string())
const docsOnly = v.object({ docs: ownDocs })
const functions = v.optional(v.record(v.string(), docsOnly), {})
const interfaceDocs = v.object({ docs: ownDocs, funcs: functions })
const interfaces = v.optional(v.record(v.string(), interfaceDocs), {})
const packageDocs = v.object({
  interfaces,
  worlds: v.optional(
    v.record(
      v.string(),
      v.object({
        interfaces,
        interface_exports: interfaces,
        funcs: functions,
        func_exports: functions,
      }),
    ),
    {},
  ),
})
const componentDocs = v.object({ interfaces })

/** Says of each export what is said of it. */
export type DocsOf = (id: string) => InterfaceDocs | null

/** @returns what says nothing for a component without docs, or with some that cannot be read */
export function docsOf(component: Uint8Array): DocsOf {
  const sections = sectionsOf(component)
  const own = parsed(componentDocs, sections.get(ownSection))
  if (own !== null) return (id) => entryOf(own.interfaces, id)
  const found = parsed(packageDocs, sections.get(packageSection))
  return found === null ? () => null : (id) => inPackage(found, id)
}

/** The component with a section that says it, in the place of one that it may have had. */
export function withDocs(component: Uint8Array, docs: ComponentDocs): Uint8Array {
  return new Uint8Array(
    Buffer.concat([...withoutOwn(component), ...(docs.size === 0 ? [] : [sectionOf(docs)])]),
  )
}

/** In pieces. */
function withoutOwn(component: Uint8Array): Uint8Array[] {
  const pieces: Uint8Array[] = []
  const reader = new ByteReader(component, 8)
  let from = 0
  while (!reader.done) {
    const start = reader.at
    const { id, body } = reader.section()
    if (id !== 0 || body.name() !== ownSection) continue
    pieces.push(component.subarray(from, start))
    from = reader.at
  }
  return [...pieces, component.subarray(from)]
}

function sectionOf(docs: ComponentDocs): Uint8Array {
  const name = Buffer.from(ownSection)
  const text = Buffer.from(JSON.stringify({ interfaces: Object.fromEntries(docs) }))
  const body = Buffer.concat([encodeU32(name.length), name, Buffer.from([1]), text])
  return Buffer.concat([Buffer.from([0]), encodeU32(body.length), body])
}

/** Safe to show, and no longer than one may be; null for nothing. */
export function shortDocs(text: string | undefined): string | null {
  const short = wholeStart(plainLines((text ?? '').trim()), docsLimits.chars)
  return short === '' ? null : short
}

function inPackage(
  { interfaces: named, worlds }: v.InferOutput<typeof packageDocs>,
  id: string,
): InterfaceDocs | null {
  const all = Object.values(worlds)
  if (id === '') {
    return {
      funcs: Object.assign(
        {},
        ...all.flatMap(({ funcs, func_exports }) => [funcs, func_exports]),
      ) as InterfaceDocs['funcs'],
    }
  }
  const name = id.replace(/^.*\//, '').replace(/@.*$/, '')
  if (id.includes(':')) return entryOf(named, name)
  for (const { interfaces: inline, interface_exports: exported } of all) {
    const found = entryOf(exported, name) ?? entryOf(inline, name)
    if (found !== null) return found
  }
  return null
}

function entryOf(entries: Readonly<Record<string, InterfaceDocs>>, name: string): InterfaceDocs | null {
  return Object.hasOwn(entries, name) ? (entries[name] ?? null) : null
}

/** The custom sections that are looked for, without their first byte. */
function sectionsOf(component: Uint8Array): ReadonlyMap<string, Uint8Array> {
  const found = new Map<string, Uint8Array>()
  try {
    const reader = new ByteReader(component, 8)
    while (!reader.done) {
      const { id, body } = reader.section()
      if (id !== 0) continue
      const name = body.name()
      const version = name === ownSection || name === packageSection ? body.byte() : 255
      if (version <= 1 && body.end - body.at <= docsLimits.sectionBytes)
        found.set(name, component.subarray(body.at, body.end))
    }
  } catch (error) {
    if (!(error instanceof MalformedError)) throw error
  }
  return found
}

function parsed<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array | undefined,
): v.InferOutput<Schema> | null {
  if (bytes === undefined) return null
  try {
    const result = v.safeParse(schema, JSON.parse(Buffer.from(bytes).toString()))
    return result.success ? result.output : null
  } catch {
    // What somebody else's tool wrote may be anything; the component is none the worse for it.
    return null
  }
}
