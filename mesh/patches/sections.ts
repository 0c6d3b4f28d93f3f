/**
 * Which part of the base each section of the target is packed against. Small components are one section against the
 * whole base; in large ones the chunks that both share tell how far what is alike has moved.
 */
import { cut } from '../blobs/index.ts'
import { patchLimits } from './limits.ts'

export interface Section {
  /** Of the target. */
  readonly start: number
  readonly end: number
  /** Of the base: the dictionary. */
  readonly from: number
  readonly length: number
}

/** Pure: the same bytes give the same sections. */
export function sectionsOf(base: Uint8Array, target: Uint8Array): Section[] {
  const { sectionBytes, dictionaryBytes } = patchLimits
  const isSmall = target.length <= sectionBytes && base.length <= dictionaryBytes
  const shiftAt = isSmall ? () => 0 : shifts(base, target)
  const length = Math.min(base.length, dictionaryBytes)
  const sections: Section[] = []
  for (let start = 0; start < target.length; start += sectionBytes) {
    const end = Math.min(target.length, start + sectionBytes)
    // What is alike lies in the middle of the dictionary, so that what moved a little is in reach on both sides.
    const wanted = start + shiftAt(start, end) - (dictionaryBytes - sectionBytes) / 2
    const from = Math.max(0, Math.min(base.length - length, wanted))
    sections.push({ start, end, from, length })
  }
  return sections
}

/** How much further on in the base the first chunk lies that a range of the target shares with it. */
function shifts(base: Uint8Array, target: Uint8Array): (start: number, end: number) => number {
  const places = new Map<string, number>()
  let at = 0
  for (const { digest, sizeBytes } of cut(base)) {
    if (!places.has(digest)) places.set(digest, at)
    at += sizeBytes
  }
  const shared: { at: number; shift: number }[] = []
  at = 0
  for (const { digest, sizeBytes } of cut(target)) {
    const place = places.get(digest)
    if (place !== undefined) shared.push({ at, shift: place - at })
    at += sizeBytes
  }
  let last = 0
  return (start, end) => {
    last = shared.find((chunk) => chunk.at >= start && chunk.at < end)?.shift ?? last
    return last
  }
}
