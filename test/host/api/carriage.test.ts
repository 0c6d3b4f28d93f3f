import { mkdtemp, rm } from 'node:fs/promises'
import { request as httpRequest } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import * as fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digestOf, silentLog, systemClock } from '../../../core/index.ts'
import {
  acquireDataLock,
  apiLimits,
  connect,
  ControlServer,
  type ControlClient,
  type DataLock,
  type Frame,
  type NodeCarriage,
} from '../../../host/api/index.ts'
import { decodeFrames, encodeFrame } from '../../../host/api/record-frames.ts'
import { FakeNode } from './fake-node.ts'

class CarryingNode extends FakeNode {
  readonly held = new Map<string, Uint8Array>()
  readonly offered: { kinds: string[]; dryRun: boolean }[] = []
  frames: Frame[] = []
  override readonly carriage: NodeCarriage = {
    records: () => this.frames,
    offer: async (records, dryRun) => {
      this.offered.push({ kinds: records.map(({ kind }) => kind), dryRun })
      return { mesh: 'a'.repeat(64), trustVersion: 1, verdicts: [], alarms: [] }
    },
    blob: async (digest) => this.held.get(digest) ?? null,
    putBlobs: async (blobs) => {
      for (const bytes of blobs) this.held.set(digestOf(bytes), bytes)
      return blobs.map(digestOf)
    },
  }
}

let folder: string
let node: CarryingNode
let lock: DataLock
let server: ControlServer
let client: ControlClient

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'selvedge-frames-'))
  node = new CarryingNode()
  lock = await acquireDataLock(folder)
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
  client = connect({ data: folder })
})
afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(folder, { recursive: true, force: true })
})

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = []
  for await (const item of items) found.push(item)
  return found
}

/** As a client that is none of ours would. */
function post(path: string, body: Uint8Array): Promise<{ status: number | undefined; text: string }> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({ socketPath: client.socketPath, method: 'POST', path }, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece) => (text += String(piece)))
      answer.on('end', () => resolve({ status: answer.statusCode, text }))
    })
    asked.on('error', reject)
    asked.end(body)
  })
}

describe('records and chunks on the control socket', () => {
  it('come as they were sent, large ones and many small ones', async () => {
    const large = new Uint8Array(2_000_000).fill(7)
    const small = Array.from({ length: 500 }, (_, at) => new Uint8Array([at & 255]))
    node.frames = [
      { kind: 'trust', bytes: large },
      ...small.map((bytes): Frame => ({ kind: 'bare', bytes })),
      { kind: 'release', bytes: new Uint8Array() },
    ]
    // Digests: comparing two million bytes one by one takes the test runner most of a minute.
    const named = (frames: readonly Frame[]) => frames.map(({ kind, bytes }) => `${kind} ${digestOf(bytes)}`)
    expect(named(await all(client.carriage.records(null)))).toEqual(named(node.frames))
  })

  it('are asked for in batches, and null where there is none', async () => {
    const blobs = Array.from({ length: apiLimits.blobsAtOnce + 3 }, (_, at) => new Uint8Array([1, at]))
    const digests = await client.carriage.putBlobs(blobs)
    const missing = 'ab'.repeat(32)
    expect(await all(client.carriage.blobs([...digests, missing]))).toEqual([...blobs, null])
  })

  it('are offered with their kinds, for good or as a rehearsal', async () => {
    await client.carriage.offer([{ kind: 'release', bytes: new Uint8Array([1]) }], { dryRun: true })
    await client.carriage.offer([{ kind: 'revocation', bytes: new Uint8Array([1]) }], { dryRun: false })
    expect(node.offered).toEqual([
      { kinds: ['release'], dryRun: true },
      { kinds: ['revocation'], dryRun: false },
    ])
  })
})

describe('at the border', () => {
  it.each([
    ['/v1/records', encodeFrame({ kind: 'blob', bytes: new Uint8Array([1]) })],
    ['/v1/records', encodeFrame({ kind: 'bare', bytes: new Uint8Array([1]) })],
    ['/v1/records', new Uint8Array([5, 0, 0, 0, 9, 1])],
    ['/v1/records', new Uint8Array([99, 0, 0, 0, 0])],
    ['/v1/blobs', encodeFrame({ kind: 'release', bytes: new Uint8Array([1]) })],
    ['/v1/blobs/read', new TextEncoder().encode('{"digests":["../../etc/passwd"]}')],
    [
      '/v1/blobs/read',
      new TextEncoder().encode(JSON.stringify({ digests: Array(65).fill('ab'.repeat(32)) })),
    ],
  ])('%s refuses what is none', async (path, body) => {
    const { status, text } = await post(path, body)
    expect({ status, coded: text.includes('ERR_API_REQUEST') }).toEqual({ status: 400, coded: true })
    expect(node.offered).toEqual([])
  })

  it('a body over its bound is refused before it is read', async () => {
    const blobs = [new Uint8Array(apiLimits.blobsBytes)]
    await expect(client.carriage.putBlobs(blobs)).rejects.toMatchObject({ code: 'ERR_API_BODY_TOO_LARGE' })
  })

  it('frames are read as they were written, or refused', () => {
    const frame = fc.record({
      kind: fc.constantFrom<Frame['kind']>('trust', 'release', 'blob', 'absent'),
      bytes: fc.uint8Array({ maxLength: 50 }),
    })
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 5 }), (frames) => {
        expect(decodeFrames(new Uint8Array(Buffer.concat(frames.map(encodeFrame))))).toEqual(frames)
      }),
    )
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (bytes) => {
        try {
          decodeFrames(bytes)
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_API_REQUEST' })
        }
      }),
    )
  })
})
