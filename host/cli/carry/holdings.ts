/** What a node gives along for an export: records, and components chunk by chunk. */
import { digestOf, type Digest } from '../../../core/index.ts'
import type { BlobRef, CarriedRecord, ChunkList, ComponentRef, SignedRelease } from '../../../mesh/index.ts'
import type { ControlClient } from '../../api/index.ts'
import { assemble } from './unload.ts'

export interface Holdings {
  readonly records: readonly CarriedRecord[]
  readonly releases: readonly SignedRelease[]
  /** Digests of releases of which the node has no component whole. */
  readonly bare: ReadonlySet<Digest>
  /** Digests of components that it does not have, of releases of which it has another. */
  readonly absent: ReadonlySet<Digest>
}

/**
 * @param release null for the newest of all apps
 * @throws ERR_BUNDLE_LIMIT for more records than a bundle holds
 */
export async function holdingsOf(client: ControlClient, release: Digest | null): Promise<Holdings> {
  const { readRelease } = await import('../../../mesh/index.ts')
  const { formatLimits, formatsProblems } = await import('../../formats/index.ts')
  const records: CarriedRecord[] = []
  const releases: SignedRelease[] = []
  const bare = new Set<Digest>()
  const absent = new Set<Digest>()
  let sizeBytes = 0
  for await (const { kind, bytes } of client.carriage.records(release)) {
    sizeBytes += bytes.length
    if (sizeBytes > formatLimits.recordsBytes || records.length >= formatLimits.records) {
      throw formatsProblems.error('ERR_BUNDLE_LIMIT', `there are more than ${records.length} records`)
    }
    if (kind === 'absent') absent.add(Buffer.from(bytes).toString('hex'))
    if (kind === 'blob' || kind === 'absent') continue
    if (kind === 'bare') bare.add(digestOf(bytes))
    const carried = kind === 'bare' ? 'release' : kind
    records.push({ kind: carried, bytes })
    if (carried === 'release') releases.push(readRelease(bytes))
  }
  return { records, releases, bare, absent }
}

/** The lists of these components, each once, and their chunks, each once, in the order of the lists. */
export async function chunksOf(
  client: ControlClient,
  refs: readonly ComponentRef[],
): Promise<{ readonly lists: readonly BlobRef[]; readonly chunks: readonly BlobRef[] }> {
  const { distinctChunks } = await import('../../../mesh/index.ts')
  const byList = new Map(refs.map((ref) => [ref.chunks.digest, ref]))
  const chunks = new Map<Digest, BlobRef>()
  for await (const { list } of listsOf(client, [...byList.values()])) {
    for (const chunk of distinctChunks(list)) if (!chunks.has(chunk.digest)) chunks.set(chunk.digest, chunk)
  }
  const lists = [...byList.values()].map(({ chunks: { digest, sizeBytes } }) => ({ digest, sizeBytes }))
  return { lists, chunks: [...chunks.values()] }
}

/** A component in one piece, its digest checked. @throws ERR_EXPORT_COMPONENT, ERR_FORMAT_DIGEST */
export async function wholeComponent(client: ControlClient, ref: ComponentRef): Promise<Uint8Array> {
  const { formatsProblems } = await import('../../formats/index.ts')
  const chunks = new Map<Digest, Uint8Array>()
  let names: Digest[] = []
  for await (const { list } of listsOf(client, [ref])) names = list.chunks.map(({ digest }) => digest)
  for await (const bytes of blobsOf(client, [...new Set(names)])) chunks.set(digestOf(bytes), bytes)
  const whole = assemble(names, chunks)
  if (digestOf(whole) === ref.digest) return whole
  throw formatsProblems.error('ERR_FORMAT_DIGEST', 'the node handed over other chunks than were signed')
}

/** @throws ERR_EXPORT_COMPONENT where one went away in the meantime */
export async function* blobsOf(
  client: ControlClient,
  digests: readonly Digest[],
): AsyncGenerator<Uint8Array> {
  for await (const bytes of client.carriage.blobs(digests)) {
    if (bytes === null) throw await gone()
    yield bytes
  }
}

async function* listsOf(
  client: ControlClient,
  refs: readonly ComponentRef[],
): AsyncGenerator<{ readonly ref: ComponentRef; readonly list: ChunkList }> {
  const { readChunkList } = await import('../../../mesh/index.ts')
  let at = 0
  for await (const bytes of blobsOf(
    client,
    refs.map((ref) => ref.chunks.digest),
  )) {
    const ref = refs[at++]
    if (ref !== undefined) yield { ref, list: readChunkList(bytes, ref) }
  }
}

async function gone(): Promise<Error> {
  const { formatsProblems } = await import('../../formats/index.ts')
  return formatsProblems.error(
    'ERR_EXPORT_COMPONENT',
    'a chunk of a component is not on the node’s disk any more',
  )
}
