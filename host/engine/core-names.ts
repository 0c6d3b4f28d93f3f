/**
 * Names in core modules, which the generator writes into its JavaScript between quotes as they are: one with a quote
 * in it would be code, run beside the guest with all that JavaScript can reach. No toolchain writes such a name, so a
 * component that has one is refused, with every other name that no text of ours could show (WebAssembly allows any
 * Unicode). Names of WIT need no such look: the validator takes letters, digits and hyphens only.
 */
import { ByteReader, MalformedError } from './byte-reader.ts'

const importSection = 2
const exportSection = 7
/** Sorts of imports and exports that WebAssembly 3.0 has: function, table, memory, global, tag. */
const lastKind = 4
/** Of imports, and of exports. The largest real module counted has 1,400. */
const maxNames = 10_000
const maxNameBytes = 1_000

/** Ends or opens a literal, escapes within one, or cannot be seen. */
const unsafe = /['"`\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u

/** @throws MalformedError where a name could be more than a name, or there are too many */
export function refuseUnsafeNames(module: Uint8Array): void {
  const reader = new ByteReader(module)
  reader.skip(8)
  while (!reader.done) {
    const { id, body } = reader.section()
    if (id === importSection) times(body, 'imports', () => importEntry(body))
    if (id === exportSection) times(body, 'exports', () => exportEntry(body))
  }
}

function times(body: ByteReader, what: string, read: () => void): void {
  const count = body.count()
  if (count > maxNames) throw new MalformedError(`a core module has ${count} ${what}, more than ${maxNames}`)
  for (let left = count; left > 0; left -= 1) read()
}

function importEntry(body: ByteReader): void {
  name(body)
  name(body)
  const kind = body.byte()
  if (kind > lastKind) throw new MalformedError(`an unknown kind of import at byte ${body.at}`)
  if (kind === 1 || kind === 3) valueType(body)
  if (kind === 0) body.skipLeb()
  else if (kind === 3) body.byte()
  else if (kind === 4) tag(body)
  else limits(body)
}

function exportEntry(body: ByteReader): void {
  name(body)
  body.byte()
  body.skipLeb()
}

function name(body: ByteReader): void {
  const at = body.at
  const text = body.name()
  if (text.length > maxNameBytes)
    throw new MalformedError(`a name at byte ${at} of a core module is too long`)
  if (unsafe.test(text))
    throw new MalformedError(
      `a name at byte ${at} of a core module has a quote, a backslash or a control character in it`,
    )
}

/** One byte, and a heap type behind `ref` and `ref null`. */
function valueType(body: ByteReader): void {
  const type = body.byte()
  if (type === 0x63 || type === 0x64) body.skipLeb()
}

function tag(body: ByteReader): void {
  body.byte()
  body.skipLeb()
}

function limits(body: ByteReader): void {
  const flags = body.byte()
  body.skipLeb()
  if ((flags & 1) === 1) body.skipLeb()
  // Its own page size.
  if ((flags & 8) === 8) body.skipLeb()
}
