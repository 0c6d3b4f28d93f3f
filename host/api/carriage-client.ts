/** The clients' side of what is carried by hand. */
import type { IncomingMessage } from 'node:http'
import { systemClock, type Digest } from '../../core/index.ts'
import type { CarriedRecord } from '../../mesh/index.ts'
import { call, open, type Target } from './call.ts'
import type { OfferReport } from './carriage-contract.ts'
import { routes } from './contract.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import { encodeFrame, readFrames, type Frame } from './record-frames.ts'

export interface CarriageClient {
  /** @param release null for the newest of all apps */
  records(release: Digest | null): AsyncGenerator<Frame>
  offer(records: readonly CarriedRecord[], options: { readonly dryRun: boolean }): Promise<OfferReport>
  /** In the order asked for, null for what the node does not have; asks for a few at a time. */
  blobs(digests: readonly Digest[]): AsyncGenerator<Uint8Array | null>
  /** At most as many bytes as one request may have. @returns their digests as the node found them */
  putBlobs(blobs: readonly Uint8Array[]): Promise<readonly Digest[]>
}

export function carriageClient(target: Target): CarriageClient {
  return {
    async *records(release) {
      const query = { release: release ?? undefined }
      yield* watched(await open(target, routes.records, { query, timeoutMs: apiLimits.uploadMs }))
    },
    offer: (records, { dryRun }) =>
      call(target, routes.offerRecords, {
        query: { 'dry-run': dryRun ? '1' : undefined },
        body: Buffer.concat(records.map(encodeFrame)),
        timeoutMs: apiLimits.uploadMs,
      }),
    async *blobs(digests) {
      for (let at = 0; at < digests.length; at += apiLimits.blobsAtOnce) {
        const wanted = digests.slice(at, at + apiLimits.blobsAtOnce)
        const body = Buffer.from(JSON.stringify({ digests: wanted }))
        let count = 0
        for await (const { kind, bytes } of watched(await open(target, routes.blobs, { body }))) {
          count += 1
          yield kind === 'blob' ? bytes : null
        }
        if (count === wanted.length) continue
        throw apiProblems.error(
          'ERR_API_ANSWER',
          `the daemon handed over ${count} of ${wanted.length} chunks`,
        )
      }
    },
    async putBlobs(blobs) {
      const body = Buffer.concat(blobs.map((bytes) => encodeFrame({ kind: 'blob', bytes })))
      const { digests } = await call<{ digests: readonly Digest[] }>(target, routes.putBlobs, {
        body,
        timeoutMs: apiLimits.uploadMs,
      })
      return digests
    },
  }
}

/** Frames of a response that may be long, and may not be silent for long. */
async function* watched(response: IncomingMessage): AsyncGenerator<Frame> {
  const giveUp = (): void => {
    const silence = `the daemon was silent for ${apiLimits.silenceMs / 1000} s`
    response.destroy(apiProblems.error('ERR_API_TIMEOUT', silence))
  }
  let cancel = systemClock.after(apiLimits.silenceMs, giveUp)
  response.on('data', () => {
    cancel()
    cancel = systemClock.after(apiLimits.silenceMs, giveUp)
  })
  response.pause()
  try {
    yield* readFrames(response)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ECONNRESET') throw error
    throw apiProblems.error('ERR_API_ANSWER', 'the daemon ended its answer early', { cause: error })
  } finally {
    cancel()
    response.destroy()
  }
}
