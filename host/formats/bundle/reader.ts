/**
 * Reads a bundle. All of it is verified before anything of it is given out: a file that was cut short or altered is
 * found out before a node hears of it.
 */
import { createHash } from 'node:crypto'
import { digestOf, type Digest } from '../../../core/index.ts'
import {
  componentsOf,
  readChunkList,
  readRelease,
  type BlobRef,
  type CarriedRecord,
  type ComponentRef,
  type SignedRelease,
} from '../../../mesh/index.ts'
import { formatLimits } from '../limits.ts'
import type { RandomAccess } from '../tar/reader.ts'
import { decodeContents, invalid, lengthBytes, magic, trailerBytes, type BundleContents } from './contents.ts'

export interface Bundle {
  readonly mesh: Digest
  readonly sizeBytes: number
  /** SHA-256 of all of it but its last 32 bytes, which are this. */
  readonly digest: Digest
  readonly records: readonly CarriedRecord[]
  /** The releases among the records, their signatures checked, and nothing else. */
  readonly releases: readonly SignedRelease[]
  /** Is this component in it? */
  holds(ref: ComponentRef): boolean
  /** The chunk list of a component, then its chunks, each once; verified again as they are read. */
  component(ref: ComponentRef): AsyncGenerator<Uint8Array>
}

const stepBytes = 1024 * 1024

/** True where a file begins as bundles do. */
export async function isBundle(file: RandomAccess): Promise<boolean> {
  if (file.sizeBytes < magic.length) return false
  return Buffer.compare(await file.read(0, magic.length), magic) === 0
}

/**
 * @param progress told how many bytes were verified
 * @throws ERR_BUNDLE_INVALID, and what `readRelease` and `readChunkList` throw of what was signed wrongly
 */
export async function readBundle(
  file: RandomAccess,
  progress: (bytes: number) => void = () => {},
): Promise<Bundle> {
  const { contents, at } = await readContents(file)
  const places = placesOf(contents, at)
  const end = [...places.values()].reduce(
    (most, { at: start, sizeBytes }) => Math.max(most, start + sizeBytes),
    at,
  )
  if (file.sizeBytes !== end + trailerBytes) {
    const differs = file.sizeBytes - end - trailerBytes
    throw invalid(
      differs < 0
        ? `it ends ${-differs} bytes early: only a part of it was copied`
        : `there are ${differs} bytes behind its end`,
    )
  }
  const digest = await verifyWhole(file, end, progress)
  const records: CarriedRecord[] = []
  for (const { kind, digest: name } of contents.records) {
    records.push({ kind, bytes: await readPlace(file, places, name) })
  }
  const releases = records.filter(({ kind }) => kind === 'release').map(({ bytes }) => readRelease(bytes))
  await requireNeeded(file, contents, places, releases)
  return {
    mesh: contents.mesh,
    sizeBytes: file.sizeBytes,
    digest,
    records,
    releases,
    holds: (ref) => places.has(ref.chunks.digest),
    async *component(ref) {
      const list = await readPlace(file, places, ref.chunks.digest)
      yield list
      for (const name of new Set(readChunkList(list, ref).chunks.map((chunk) => chunk.digest))) {
        yield await readPlace(file, places, name)
      }
    },
  }
}

async function readContents(
  file: RandomAccess,
): Promise<{ readonly contents: BundleContents; readonly at: number }> {
  if (!(await isBundle(file))) throw invalid('it does not begin as bundles of this version do')
  const start = magic.length + lengthBytes
  if (file.sizeBytes < start) throw invalid('it ends within its first bytes')
  const length = Buffer.from(await file.read(magic.length, lengthBytes)).readUInt32BE()
  if (length > formatLimits.contentsBytes || length > file.sizeBytes - start) {
    throw invalid(`its contents have ${length} bytes, more than there are or may be`)
  }
  return { contents: decodeContents(await file.read(start, length)), at: start + length }
}

interface Place {
  readonly at: number
  readonly sizeBytes: number
}

type Places = ReadonlyMap<Digest, Place>

function placesOf({ records, lists, chunks }: BundleContents, start: number): Places {
  const places = new Map<Digest, Place>()
  let at = start
  for (const refs of [records, lists, chunks] as const) {
    for (const { digest, sizeBytes } of refs) {
      places.set(digest, { at, sizeBytes })
      at += sizeBytes
    }
  }
  return places
}

async function verifyWhole(
  file: RandomAccess,
  end: number,
  progress: (bytes: number) => void,
): Promise<Digest> {
  const hash = createHash('sha256')
  for (let at = 0; at < end; at += stepBytes) {
    hash.update(await file.read(at, Math.min(stepBytes, end - at)))
    progress(Math.min(end, at + stepBytes))
  }
  const digest = hash.digest('hex')
  const said = Buffer.from(await file.read(end, trailerBytes)).toString('hex')
  if (digest !== said) throw invalid('its digest does not fit: it was damaged or altered')
  return digest
}

async function readPlace(file: RandomAccess, places: Places, name: Digest): Promise<Uint8Array> {
  const place = places.get(name)
  if (place === undefined) throw invalid(`it lacks ${name.slice(0, 8)}, which a chunk list in it names`)
  const bytes = await file.read(place.at, place.sizeBytes)
  if (digestOf(bytes) !== name) throw invalid(`what it says is ${name.slice(0, 8)} has another digest`)
  return bytes
}

/** A stick is no place to leave things on other people's disks: whatever no release in it needs is refused. */
async function requireNeeded(
  file: RandomAccess,
  contents: BundleContents,
  places: Places,
  releases: readonly SignedRelease[],
): Promise<void> {
  const wanted = releases.flatMap(({ record }) => componentsOf(record))
  const refs = new Map(wanted.map((ref) => [ref.chunks.digest, ref]))
  const unnamed = new Set(contents.chunks.map(({ digest }) => digest))
  const sizes = new Map(contents.chunks.map(({ digest, sizeBytes }: BlobRef) => [digest, sizeBytes]))
  for (const { digest } of contents.lists) {
    const ref = refs.get(digest)
    if (ref === undefined) throw invalid('it holds a chunk list that no release in it names')
    for (const chunk of readChunkList(await readPlace(file, places, digest), ref).chunks) {
      if (sizes.get(chunk.digest) !== chunk.sizeBytes) throw invalid('a component in it is not whole')
      unnamed.delete(chunk.digest)
    }
  }
  if (unnamed.size > 0) throw invalid(`it holds ${unnamed.size} chunks that no component in it needs`)
}
