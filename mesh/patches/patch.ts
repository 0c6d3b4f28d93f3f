/**
 * A patch: for each section of the target, which bytes of the base are its dictionary, and the zstd frame. It names
 * neither base nor target and proves nothing: whoever applies one compares the result with what was signed.
 */
import { decodeCbor, digestOf, encodeCbor, messageOf, type SelvedgeError } from '../../core/index.ts'
import type { BlobRef } from '../releases/index.ts'
import { patchLimits } from './limits.ts'
import { patchesProblems } from './problems.ts'
import { sectionsOf } from './sections.ts'
import { contentSizeOf, type Zstd } from './zstd.ts'

interface PackedSection {
  readonly from: number
  readonly length: number
  readonly sizeBytes: number
  readonly frame: Uint8Array
}

const mostSections = patchLimits.largestBytes / patchLimits.sectionBytes

/** Packs `target` for those that have `base`. Takes about 40 ms of CPU a megabyte. */
export function makePatch(base: Uint8Array, target: Uint8Array, zstd: Zstd): Uint8Array {
  const sections = sectionsOf(base, target).map(({ start, end, from, length }): PackedSection => {
    const frame = zstd.compress(
      target.subarray(start, end),
      base.subarray(from, from + length),
      patchLimits.level,
    )
    return { from, length, sizeBytes: end - start, frame: new Uint8Array(frame) }
  })
  return encodeCbor({ v: 1, sections })
}

/**
 * Unpacks a patch that anybody may have made: no more than the size of `target` comes out, and nothing but its bytes.
 * @param breathe called between sections of 2 MiB, each of which takes about 10 ms
 * @throws ERR_PATCH_FORMAT, ERR_PATCH_SIZE, ERR_PATCH_RESULT
 */
export async function applyPatch(
  base: Uint8Array,
  patch: Uint8Array,
  target: BlobRef,
  zstd: Zstd,
  breathe: () => Promise<void>,
): Promise<Uint8Array> {
  const sections = readPatch(patch, base.length, target.sizeBytes)
  const bytes = new Uint8Array(target.sizeBytes)
  let at = 0
  for (const { from, length, sizeBytes, frame } of sections) {
    if (at > 0) await breathe()
    bytes.set(unpack(zstd, frame, base.subarray(from, from + length), sizeBytes), at)
    at += sizeBytes
  }
  const digest = digestOf(bytes)
  if (digest === target.digest) return bytes
  throw patchesProblems.error('ERR_PATCH_RESULT', `a patch for ${target.digest} gives ${digest}`)
}

function unpack(zstd: Zstd, frame: Uint8Array, dictionary: Uint8Array, sizeBytes: number): Uint8Array {
  const said = contentSizeOf(frame)
  if (said !== sizeBytes) throw tooLarge(`a section of ${sizeBytes} bytes says that it has ${said ?? 'any'}`)
  try {
    return zstd.decompress(frame, dictionary, sizeBytes)
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(`a section has more than ${sizeBytes} bytes`, error)
    throw unusable(`a section cannot be unpacked: ${messageOf(error)}`, error)
  }
}

function readPatch(patch: Uint8Array, baseBytes: number, targetBytes: number): PackedSection[] {
  const { v, sections } = fieldsOf(decode(patch))
  if (v !== 1) throw unusable('it is of a version that this node does not read')
  if (!Array.isArray(sections) || sections.length > mostSections) {
    throw unusable(`it has no sections, or more than ${mostSections}`)
  }
  const read = sections.map((section) => readSection(section, baseBytes))
  const sum = read.reduce((total, { sizeBytes }) => total + sizeBytes, 0)
  if (sum !== targetBytes)
    throw tooLarge(`its sections add up to ${sum} bytes, the release has ${targetBytes}`)
  return read
}

function readSection(value: unknown, baseBytes: number): PackedSection {
  const { from, length, sizeBytes, frame } = fieldsOf(value)
  const { dictionaryBytes, sectionBytes } = patchLimits
  if (!isCount(length, dictionaryBytes) || !isCount(from, baseBytes - length)) {
    throw unusable('a section is about bytes that the base does not have')
  }
  if (!isCount(sizeBytes, sectionBytes) || sizeBytes === 0 || !(frame instanceof Uint8Array)) {
    throw unusable('a section has no bytes, or too many')
  }
  return { from, length, sizeBytes, frame }
}

function decode(patch: Uint8Array): unknown {
  try {
    return decodeCbor(patch, {
      maxBytes: patchLimits.patchBytes,
      maxDepth: 4,
      maxItems: 10 * mostSections + 16,
    })
  } catch (error) {
    throw unusable(messageOf(error), error)
  }
}

function fieldsOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {}
}

function isCount(value: unknown, max: number): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}

function unusable(what: string, cause?: unknown): SelvedgeError {
  return patchesProblems.error('ERR_PATCH_FORMAT', `a patch was refused: ${what}`, { cause })
}

function tooLarge(what: string, cause?: unknown): SelvedgeError {
  return patchesProblems.error('ERR_PATCH_SIZE', `a patch was refused: ${what}`, { cause })
}
