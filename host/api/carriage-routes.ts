/** The control API's routes for what is carried by hand: signed records in and out, and the chunks of components. */
import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { isDigest, type Digest } from '../../core/index.ts'
import type { CarriedKind, CarriedRecord } from '../../mesh/index.ts'
import { routes } from './contract.ts'
import type { NodeCarriage } from './controlled-node.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import { decodeFrames, encodeFrame, type Frame } from './record-frames.ts'
import { readBody, readJson } from './request.ts'
import type { Handler } from './handler.ts'

/** Not the mesh's own list: the commands load this file with their client, and must not load the mesh for it. */
const carriedKinds: readonly CarriedKind[] = ['trust', 'revocation', 'credential', 'release']

export function carriageHandlers(carriage: NodeCarriage): readonly (readonly [string, Handler])[] {
  return [
    [
      routes.records,
      async ({ response, query }) =>
        sendFrames(response, await carriage.records(digestOrNull(query.get('release')))),
    ],
    [
      routes.offerRecords,
      async ({ request, query }) => {
        const frames = decodeFrames(await readBody(request, apiLimits.offerBytes))
        return carriage.offer(frames.map(recordOf), query.get('dry-run') === '1')
      },
    ],
    [
      routes.blobs,
      async ({ request, response }) => {
        const digests = digestsOf(await readJson(request))
        await sendFrames(response, chunksOf(carriage, digests))
      },
    ],
    [
      routes.putBlobs,
      async ({ request }) => {
        const frames = decodeFrames(await readBody(request, apiLimits.blobsBytes))
        if (frames.some(({ kind }) => kind !== 'blob'))
          throw wrong('the body holds something that is no chunk')
        return { digests: await carriage.putBlobs(frames.map(({ bytes }) => bytes)) }
      },
    ],
  ]
}

async function* chunksOf(carriage: NodeCarriage, digests: readonly Digest[]): AsyncGenerator<Frame> {
  for (const digest of digests) {
    const bytes = await carriage.blob(digest)
    yield bytes === null ? { kind: 'absent', bytes: new Uint8Array() } : { kind: 'blob', bytes }
  }
}

/** As fast as the client reads, so that no answer is ever held as a whole. */
async function sendFrames(
  response: ServerResponse,
  frames: Iterable<Frame> | AsyncIterable<Frame>,
): Promise<undefined> {
  response.writeHead(200, { 'content-type': 'application/vnd.selvedge.records.v1' })
  const closed = new AbortController()
  response.once('close', () => closed.abort())
  try {
    for await (const frame of frames) {
      if (!response.write(encodeFrame(frame))) await once(response, 'drain', { signal: closed.signal })
      if (response.destroyed) return
    }
    response.end()
  } catch (error) {
    if (!closed.signal.aborted) throw error
  }
}

function recordOf({ kind, bytes }: Frame): CarriedRecord {
  const known = carriedKinds.find((carried) => carried === kind)
  if (known === undefined) throw wrong('the body holds something that is no signed record')
  return { kind: known, bytes }
}

function digestOrNull(text: string | null): Digest | null {
  if (text === null || text === '') return null
  if (isDigest(text)) return text
  throw wrong('release is not the digest of a release')
}

function digestsOf({ digests }: Record<string, unknown>): Digest[] {
  const isList = Array.isArray(digests) && digests.length <= apiLimits.blobsAtOnce && digests.every(isDigest)
  if (isList) return digests as Digest[]
  throw wrong(`digests is not a list of at most ${apiLimits.blobsAtOnce} digests`)
}

function wrong(what: string): Error {
  return apiProblems.error('ERR_API_REQUEST', what)
}
