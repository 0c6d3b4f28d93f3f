/** What `import` was pointed at: a bundle or an image, verified as far as that needs no node. */
import { createWriteStream } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { digestOf, messageOf, type Digest } from '../../../core/index.ts'
import type { CarriedRecord, ComponentRef, SignedRelease } from '../../../mesh/index.ts'
import { imagePlace, readImage, type Image } from '../image-source.ts'
import type { World } from '../world.ts'
import { byteProgress } from './progress.ts'

export interface Cargo {
  readonly kind: 'bundle' | 'image'
  readonly mesh: Digest
  /** Of a bundle its own, of an image its component's. */
  readonly digest: Digest
  readonly sizeBytes: number
  /** In the order in which they depend on each other. */
  readonly records: readonly CarriedRecord[]
  readonly releases: readonly SignedRelease[]
  holds(ref: ComponentRef): boolean
  /** The chunk list, then the chunks, each once. */
  component(ref: ComponentRef): AsyncIterable<Uint8Array>
  close(): Promise<void>
}

/** Whether it brings any of a release's components: nodes fetch the others from each other. */
export function bringsSome(cargo: Pick<Cargo, 'holds'>, { record }: SignedRelease): boolean {
  const { component, variants = [] } = record
  return [component, ...variants.map((variant) => variant.component)].some((one) => cargo.holds(one))
}

/**
 * @param typed a file, a folder, a reference, or `-` for standard input
 * @throws ERR_IMPORT_SOURCE, ERR_OCI_UNSIGNED, and what reading bundles and images throws
 */
export async function openCargo(typed: string, world: World, plainHttp: boolean): Promise<Cargo> {
  if (typed === '-') return fromInput(world, plainHttp)
  const place = await imagePlace(typed, world.cwd)
  if (place !== null) return cargoOfImage(await readImage(place, world, plainHttp))
  return fromFile(resolve(world.cwd, typed), world)
}

async function fromFile(path: string, world: World): Promise<Cargo> {
  const { openFile, readBundle } = await import('../../formats/index.ts')
  const file = await openFile(path)
  try {
    const progress = byteProgress(world, 'verifying')
    const bundle = await readBundle(file, (bytes) => {
      world.signal.throwIfAborted()
      progress(bytes, file.sizeBytes)
    })
    return { ...bundle, kind: 'bundle', close: () => file.close() }
  } catch (error) {
    await file.close()
    throw error
  }
}

/** Spooled: a bundle is verified as a whole before anything of it is used, and then read again. */
async function fromInput(world: World, plainHttp: boolean): Promise<Cargo> {
  const { formatLimits, formatsProblems, isBundle, openFile } = await import('../../formats/index.ts')
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-import-'))
  const remove = (): Promise<void> => rm(folder, { recursive: true, force: true })
  try {
    const path = join(folder, 'input.tar')
    let sizeBytes = 0
    const pieces = async function* (): AsyncGenerator<Uint8Array> {
      for await (const piece of world.streams.stdin) {
        world.signal.throwIfAborted()
        sizeBytes += (piece as Buffer).length
        if (sizeBytes > formatLimits.bundleBytes) {
          throw formatsProblems.error(
            'ERR_IMPORT_SOURCE',
            `standard input brings more than ${formatLimits.bundleBytes} bytes`,
          )
        }
        yield piece as Buffer
      }
    }
    // A disk that fills up may say so between two pieces: whoever waited for room then would wait for ever.
    await pipeline(pieces, createWriteStream(path, { mode: 0o600 }))
    const file = await openFile(path)
    const bundled = await isBundle(file).finally(() => file.close())
    const cargo = bundled ? await fromFile(path, world) : await openCargo(path, world, plainHttp)
    return { ...cargo, close: () => cargo.close().then(remove) }
  } catch (error) {
    await remove()
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    throw formatsProblems.error('ERR_IMPORT_SOURCE', `cannot keep what comes in: ${messageOf(error)}`, {
      cause: error,
    })
  }
}

/** A release with its component and no word of the mesh's trust: a node that knows the publisher needs none. */
export async function cargoOfImage({ artifact, from }: Image): Promise<Cargo> {
  const { componentRef, readRelease } = await import('../../../mesh/index.ts')
  const { formatsProblems } = await import('../../formats/index.ts')
  if (artifact.release === null) {
    throw formatsProblems.error('ERR_OCI_UNSIGNED', `${from} holds no signed release record`, {
      hint: `sign it yourself: selvedge publish ${from}`,
    })
  }
  const release = readRelease(artifact.release)
  const { ref, list, chunks } = componentRef(artifact.component)
  const wanted = release.record.component
  if (ref.digest !== wanted.digest || ref.chunks.digest !== wanted.chunks.digest) {
    throw formatsProblems.error(
      'ERR_FORMAT_DIGEST',
      `${from} holds the component ${ref.digest.slice(0, 8)}; its release record is about ${wanted.digest.slice(0, 8)}`,
    )
  }
  return {
    kind: 'image',
    mesh: release.record.mesh,
    digest: digestOf(artifact.component),
    sizeBytes: artifact.component.length,
    records: [{ kind: 'release', bytes: artifact.release }],
    releases: [release],
    // An image has one component; the variants come from other nodes.
    holds: ({ digest }) => digest === ref.digest,
    async *component() {
      yield list
      yield* new Map(chunks.map(({ digest, bytes }) => [digest, bytes])).values()
    },
    close: async () => {},
  }
}
