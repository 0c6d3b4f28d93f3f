/** An object that a guest writes: bytes on one side, and beside them where it belongs and that it is whole. */
import { messageOf } from '../../../core/index.ts'
import type { HostChannel } from '../../engine/index.ts'
import type { WireAnswer, WriteRequest } from '../../guest/index.ts'
import type { BlobStore, BlobWriter } from '../../storage/index.ts'

/**
 * Serves one outgoing-value until the guest finishes or drops it. What fails is told with the answer to what the
 * guest asks next; its stream goes on to take bytes, which are thrown away, so that it does not wait for ever.
 * @param granted gives the container's name back, or throws
 */
export async function receiveObject(
  channel: HostChannel,
  { blobs }: { blobs(): BlobStore },
  granted: (container: unknown) => string,
): Promise<void> {
  let failure: unknown = null
  let writer: BlobWriter | null = null
  const writing = (async () => {
    try {
      writer = await blobs().create()
    } catch (error) {
      failure = error
    }
    for await (const piece of channel.incoming) {
      if (failure === null) await writer?.write(piece).catch((error: unknown) => (failure = error))
    }
  })()
  // The guest gave it up: `receive` says so too.
  writing.catch(() => {})
  let target: { readonly container: string; readonly object: string } | null = null
  const obey = async (request: WriteRequest): Promise<void> => {
    if (request.do === 'target') {
      const container = granted(request.container)
      // A missing container is told now, and not only after all the bytes.
      await blobs().container(container)
      target = { container, object: String(request.object) }
      return
    }
    await writing
    if (failure !== null) throw failure
    if (target === null) throw new Error('it was never said where the object belongs')
    await writer?.commit(target.container, target.object)
  }
  try {
    for (;;) {
      const request = (await channel.receive()) as WriteRequest | null
      if (request === null) return
      channel.send(await answerOf(obey(request)))
      if (request.do === 'finish') return
    }
  } finally {
    channel.end()
    await writing.catch(() => {})
    await (writer as BlobWriter | null)?.abort()
  }
}

async function answerOf(done: Promise<void>): Promise<WireAnswer> {
  try {
    await done
    return { ok: true, sizeBytes: 0 }
  } catch (error) {
    return { ok: false, error: messageOf(error) }
  }
}
