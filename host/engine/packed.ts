/**
 * One file, or one pipe's worth, that holds a JSON header and some byte strings behind a digest of it all.
 *
 * The child answers in this form and the cache stores the answer as it came, so that one check (the digest)
 * finds a truncated pipe, a torn write and a flipped bit alike. It says nothing of who wrote the file.
 *
 * `selvedge-packed 1\n` · sha256 in hex · `\n` · header length (u32, little-endian) · header · parts
 */
import { digestOf } from '../../core/index.ts'
import { MalformedError } from './byte-reader.ts'

export interface Packed {
  readonly header: unknown
  readonly parts: ReadonlyMap<string, Uint8Array>
}

const magic = 'selvedge-packed 1\n'
const digestEnd = magic.length + 64 + 1
const maxHeaderBytes = 4 * 1024 * 1024
const maxParts = 2_000

export function pack(header: unknown, parts: ReadonlyMap<string, Uint8Array>): Uint8Array {
  const index = [...parts].map(([name, bytes]) => [name, bytes.length] as const)
  const head = new TextEncoder().encode(JSON.stringify({ header, index }))
  const length = new Uint8Array(4)
  new DataView(length.buffer).setUint32(0, head.length, true)
  const body = Buffer.concat([length, head, ...parts.values()])
  return Buffer.concat([Buffer.from(`${magic}${digestOf(body)}\n`, 'latin1'), body])
}

/** @throws MalformedError where anything is not as it was packed. The parts are views of `bytes`. */
export function unpack(bytes: Uint8Array): Packed {
  const preface = Buffer.from(bytes.subarray(0, digestEnd)).toString('latin1')
  if (!preface.startsWith(magic) || preface.length < digestEnd || !preface.endsWith('\n'))
    throw new MalformedError('not a packed file')
  const body = bytes.subarray(digestEnd)
  if (digestOf(body) !== preface.slice(magic.length, -1))
    throw new MalformedError('its digest does not match')
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength)
  const headLength = body.length < 4 ? maxHeaderBytes + 1 : view.getUint32(0, true)
  if (headLength > Math.min(maxHeaderBytes, body.length - 4))
    throw new MalformedError('its header is too long')
  const head: unknown = JSON.parse(Buffer.from(body.subarray(4, 4 + headLength)).toString('utf8'))
  const { header, index } = head as { header: unknown; index: unknown }
  return { header, parts: split(body.subarray(4 + headLength), index) }
}

function split(bytes: Uint8Array, index: unknown): Map<string, Uint8Array> {
  if (!Array.isArray(index) || index.length > maxParts) throw new MalformedError('its index is not a list')
  const parts = new Map<string, Uint8Array>()
  let at = 0
  for (const entry of index as unknown[]) {
    const [name, length] = Array.isArray(entry) ? (entry as unknown[]) : []
    if (typeof name !== 'string' || !Number.isSafeInteger(length))
      throw new MalformedError('its index is damaged')
    const end = at + (length as number)
    if (end < at || end > bytes.length) throw new MalformedError('a part ends behind the file')
    parts.set(name, bytes.subarray(at, end))
    at = end
  }
  if (at !== bytes.length) throw new MalformedError('bytes are left over')
  return parts
}
