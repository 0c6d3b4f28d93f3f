/** What a test needs to play a peer of the blob exchange by hand: it says that it has everything, and answers as told. */
import type { Digest } from '../../../core/index.ts'
import { encodeChunkFrame } from '../../../mesh/blobs/chunk-frame.ts'
import { decodeRequest, encodeNotice, type BlobRequest } from '../../../mesh/blobs/messages.ts'
import type { Channel } from '../../../mesh/transport/index.ts'

/** Bits that say of so many chunks that they are here. */
export function allBits(chunks: number): Uint8Array {
  return Uint8Array.from({ length: Math.ceil(chunks / 8) }, (_, index) =>
    chunks - index * 8 >= 8 ? 0xff : (1 << (chunks - index * 8)) - 1,
  )
}

/** One chunk in a frame. */
export function chunkFrame(digest: Digest, bytes: Uint8Array): Uint8Array {
  return encodeChunkFrame([{ digest, bytes }], false)
}

/** Requests of a channel; a `follow` is answered with "I have all of so many chunks". */
export async function* requestsOf(channel: Channel, chunks: number): AsyncGenerator<BlobRequest> {
  for await (const frame of channel.messages) {
    const request = decodeRequest(frame)
    if (request === null) continue
    if (request.kind === 'follow') {
      await channel.send(encodeNotice({ kind: 'has', list: request.list, bits: allBits(chunks) }))
    }
    yield request
  }
}

/** Digests that are wanted, one after the other, of a peer that says it has all of so many chunks. */
export async function* wantsOf(channel: Channel, chunks: number): AsyncGenerator<Digest> {
  for await (const request of requestsOf(channel, chunks)) if (request.kind === 'want') yield* request.digests
}
