/**
 * Takes one export off a finished component.
 *
 * An export also gives what it exports a new index, so taking one away moves the indices behind it. That is safe
 * only at the very end of a component, where nothing refers to anything any more; everything else is refused
 * rather than renumbered. (Component Model, Binary.md, sections 0 and 11.)
 */
import { buildProblems } from './problems.ts'

const preambleBytes = 8
const customSection = 0
const exportSection = 11

/** @returns the component without the export; as it is where there is none of that name. @throws ERR_BUILD_FAILED */
export function withoutExport(component: Uint8Array, name: string): Uint8Array {
  const sections = sectionsOf(component)
  const last = sections.filter(({ id }) => id !== customSection).at(-1)
  if (last === undefined || last.id !== exportSection) return unchanged(component, sections, name)
  const entries = exportsIn(component, last)
  const kept = entries.filter((entry) => entry.name !== name)
  if (kept.length === entries.length) return unchanged(component, sections, name)

  const body = concat([leb(kept.length), ...kept.map(({ from, to }) => component.subarray(from, to))])
  return concat([
    component.subarray(0, last.from),
    new Uint8Array([exportSection]),
    leb(body.length),
    body,
    component.subarray(last.to),
  ])
}

/** Sure that none of the earlier sections exports it. */
function unchanged(component: Uint8Array, sections: readonly Section[], name: string): Uint8Array {
  const exports = sections
    .filter(({ id }) => id === exportSection)
    .flatMap((one) => exportsIn(component, one))
  if (exports.every((entry) => entry.name !== name)) return component
  throw failure(`its export ${name} stands where it cannot be taken away`)
}

interface Section {
  readonly id: number
  /** Of its id byte. */
  readonly from: number
  readonly bodyFrom: number
  readonly to: number
}

function sectionsOf(bytes: Uint8Array): Section[] {
  const sections: Section[] = []
  for (let at = preambleBytes; at < bytes.length;) {
    const from = at
    const size = readLeb(bytes, at + 1)
    at = size.next + size.value
    if (at > bytes.length) throw failure('a section is longer than the component')
    sections.push({ id: bytes[from] ?? 0, from, bodyFrom: size.next, to: at })
  }
  return sections
}

interface ExportEntry {
  readonly name: string
  readonly from: number
  readonly to: number
}

function exportsIn(bytes: Uint8Array, { bodyFrom, to }: Section): ExportEntry[] {
  const count = readLeb(bytes, bodyFrom)
  const entries: ExportEntry[] = []
  let at = count.next
  for (let left = count.value; left > 0 && at < to; left--) {
    const from = at
    const length = readLeb(bytes, from + 1)
    const name = new TextDecoder().decode(bytes.subarray(length.next, length.next + length.value))
    at = length.next + length.value
    // A sort of core things has a second byte; then the index, and whether a type is ascribed.
    at += bytes[at] === 0 ? 2 : 1
    at = readLeb(bytes, at).next
    if ((bytes[from] ?? 0) > 1 || bytes[at] !== 0)
      throw failure(`its export ${name} has a form we do not know`)
    at += 1
    entries.push({ name, from, to: at })
  }
  return entries
}

/** Unsigned LEB128 of at most 32 bits. */
function readLeb(bytes: Uint8Array, from: number): { value: number; next: number } {
  let value = 0
  for (let at = from; at < from + 5; at++) {
    const byte = bytes[at]
    if (byte === undefined) break
    value += (byte & 0x7f) * 2 ** (7 * (at - from))
    if (byte < 0x80) return { value, next: at + 1 }
  }
  throw failure('a number in it does not end')
}

function leb(value: number): Uint8Array {
  const bytes: number[] = []
  for (let rest = value; ; rest = Math.floor(rest / 128)) {
    if (rest < 128) return new Uint8Array([...bytes, rest])
    bytes.push((rest % 128) | 0x80)
  }
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(parts))
}

function failure(what: string): Error {
  return buildProblems.error('ERR_BUILD_FAILED', `the component that was made cannot be used: ${what}`, {
    hint: 'another version of componentize-qjs may have made it; the one in package-lock.json is known to work',
  })
}
