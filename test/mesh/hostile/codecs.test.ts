/**
 * Every codec that reads what peers, files and people bring, on bytes that mean harm: whatever comes, the answer is a
 * value or an error of ours, soon; and what was signed is taken as it was signed or not at all.
 */
import { Encoder } from 'cbor-x'
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  encodeCbor,
  isSelvedgeError,
  memoryFolder,
  sign1,
  signMany,
  systemRandom,
  type KeyPair,
} from '../../../core/index.ts'
import { bundleOf, readBundle } from '../../../host/formats/index.ts'
import { inMemory } from '../../../host/formats/file-access.ts'
import { createGate } from '../../../mesh/admission/index.ts'
import { decodeChunkFrame, encodeChunkFrame } from '../../../mesh/blobs/chunk-frame.ts'
import { decodeChunkList, encodeChunkList } from '../../../mesh/blobs/chunk-list.ts'
import { componentRef, openBlobStore } from '../../../mesh/blobs/index.ts'
import * as blobs from '../../../mesh/blobs/messages.ts'
import { readChain } from '../../../mesh/head-kinds/kind.ts'
import * as heads from '../../../mesh/heads/message.ts'
import { readCertificate } from '../../../mesh/identity/certificate.ts'
import {
  cosignTrust,
  decodeCredential,
  encodeDeployKey,
  openNodeIdentity,
  readApplication,
  readDeployKey,
  readHeartbeat,
  readInvite,
  readRevocation,
  readTrust,
  signHeartbeat,
  signNodeRecord,
  verifyCredential,
  verifyNodeRecord,
} from '../../../mesh/identity/index.ts'
import { readSignedInvite } from '../../../mesh/identity/invite.ts'
import { readReceipt } from '../../../mesh/identity/receipt.ts'
import * as patches from '../../../mesh/patches/messages.ts'
import { applyPatch, makePatch } from '../../../mesh/patches/patch.ts'
import { readRelease } from '../../../mesh/releases/index.ts'
import { sample } from '../blobs/samples.ts'
import { admin, application, foundingNode, inviteTo, publisher, root, testMesh } from '../identity/harness.ts'
import { nodeRevocation, publisherRevocation } from '../identity/revocation-harness.ts'
import { newer, older, zstd } from '../patches/samples.ts'
import { release, releaseRecord } from '../releases/harness.ts'

const mesh = await testMesh()
const founder = await foundingNode(mesh)
const invite = inviteTo(mesh)
const applied = application(invite, 'lamp').bytes
const credential = founder.credential
const { certificate, receipt } = decodeCredential(credential)
const digest = 'ab'.repeat(32)
const component = componentRef(sample(71, 60_000))
const heartbeat = {
  v: 1,
  mesh: mesh.meshId,
  counter: 3,
  at: 5,
  trust: 1,
  releases: digest,
  critical: [],
} as const
const nodeReport = {
  v: 1,
  mesh: mesh.meshId,
  node: founder.key.publicKey,
  name: 'founder',
  boot: 3,
  bootNonce: new Uint8Array(16),
  number: 4,
  groups: ['lobby'],
  roles: [],
  arch: 'x64',
  platform: 'linux',
  runtime: 'node 20',
  version: '1.0.0',
  features: ['simd'],
  devices: [],
  apps: [],
  addresses: ['/ip4/127.0.0.1/tcp/1'],
  issuedAt: 5,
} as const
const gate = createGate({ meshId: mesh.meshId, self: founder.id, credentials: founder.book })
const patch = makePatch(older, newer, zstd)
const target = { digest: componentRef(newer).ref.digest, sizeBytes: newer.length }
const bundle = await bundleBytes()

async function bundleBytes(): Promise<Uint8Array> {
  const store = await openBlobStore(memoryFolder())
  const bytes = sample(72, 20_000)
  const ref = await store.putComponent(bytes)
  const list = await store.readList(ref)
  const parts = bundleOf({
    mesh: mesh.meshId,
    records: [
      { kind: 'trust', bytes: encodeCbor([mesh.first]) },
      { kind: 'release', bytes: release(mesh, { component: ref }) },
    ],
    lists: [ref.chunks],
    chunks: list?.chunks ?? [],
    async *read(wanted) {
      for (const blob of wanted) yield (await store.getChunk(blob.digest)) ?? new Uint8Array()
    },
  })
  const pieces: Uint8Array[] = []
  for await (const piece of parts) pieces.push(piece)
  return new Uint8Array(Buffer.concat(pieces))
}

interface Codec {
  readonly valid: readonly Uint8Array[]
  readonly read: (bytes: Uint8Array) => unknown
  /** Nothing but the very bytes is taken. */
  readonly isSealed?: boolean
}

const text = (read: (token: string) => unknown) => (bytes: Uint8Array) =>
  read(Buffer.from(bytes).toString('latin1'))
const bytesOf = (token: string): Uint8Array => new Uint8Array(Buffer.from(token, 'latin1'))

const codecs: Readonly<Record<string, Codec>> = {
  'a release': { valid: [release(mesh)], read: readRelease, isSealed: true },
  'a trust bundle': { valid: [mesh.first], read: readTrust, isSealed: true },
  'a trust chain': { valid: [encodeCbor([mesh.first])], read: readChain },
  'a proposal to sign': { valid: [mesh.first], read: (bytes) => cosignTrust(bytes, admin) },
  'a revocation': {
    valid: [
      nodeRevocation({ mesh: mesh.meshId, key: founder.key.publicKey }),
      publisherRevocation({ mesh: mesh.meshId, key: publisher.publicKey, accepted: {} }),
    ],
    read: readRevocation,
    isSealed: true,
  },
  'a heartbeat': { valid: [signHeartbeat(heartbeat, admin)], read: readHeartbeat, isSealed: true },
  'a node record': {
    valid: [signNodeRecord(founder.key, nodeReport)],
    read: (bytes) => verifyNodeRecord(bytes, { mesh: mesh.meshId }),
    isSealed: true,
  },
  'an invite': { valid: [invite.bytes], read: readSignedInvite, isSealed: true },
  'a certificate': { valid: [certificate], read: readCertificate, isSealed: true },
  'a receipt': { valid: [receipt], read: readReceipt, isSealed: true },
  'an application': { valid: [applied], read: readApplication },
  'a credential': { valid: [credential], read: verifyCredential },
  'the parts of a credential': { valid: [credential], read: decodeCredential },
  'a deploy key': {
    valid: [bytesOf(encodeDeployKey({ meshId: mesh.meshId, seed: new Uint8Array(32) }))],
    read: text(readDeployKey),
  },
  'an invite token': { valid: [], read: text((token) => readInvite(token, { now: 1 })) },
  'a greeting': {
    valid: [await gate.greet(founder.id)],
    read: (bytes) => gate.check(founder.id, bytes),
  },
  'a message about heads': {
    valid: [
      heads.encodeMessage({ t: 'have', ids: [{ key: 'trust', order: [1, 0], digest }] }),
      heads.encodeMessage({ t: 'want', keys: ['trust', 'release/light-alarm'] }),
      heads.encodeMessage({ t: 'heads', heads: [{ key: 'trust', bytes: mesh.first }] }),
      heads.encodeMessage({ t: 'summary', count: 3, digest }),
      heads.encodeMessage({
        t: 'compare',
        salt: new Uint8Array(16),
        branches: [{ prefix: 'a', fingerprints: new Uint8Array(128) }],
        leaves: [{ prefix: 'bc', fingerprints: new Uint8Array(16) }],
      }),
    ],
    read: heads.decodeMessage,
  },
  'a request for blobs': {
    valid: [
      blobs.encodeWant([digest, digest], digest),
      blobs.encodeRequest({ kind: 'follow', list: digest }),
      blobs.encodeRequest({ kind: 'got', bytes: 9 }),
    ],
    read: blobs.decodeRequest,
  },
  'a notice about blobs': {
    valid: [
      blobs.encodeNotice({ kind: 'missing', digests: [digest] }),
      blobs.encodeNotice({ kind: 'has', list: digest, bits: new Uint8Array(9) }),
      blobs.encodeNotice({ kind: 'have', list: digest, places: [1, 2] }),
    ],
    read: blobs.decodeNotice,
  },
  'a frame of chunks': {
    valid: [
      encodeChunkFrame(component.chunks.slice(0, 2), true),
      encodeChunkFrame([{ digest, bytes: new Uint8Array(5_000) }], true),
    ],
    read: decodeChunkFrame,
  },
  'a chunk list': {
    valid: [component.list, encodeChunkList({ sizeBytes: 7, chunks: [{ digest, sizeBytes: 7 }] })],
    read: decodeChunkList,
  },
  'a request for patches': {
    valid: [
      patches.encodeMessage({ kind: 'find', n: 1, app: 'light-alarm', target: digest, bases: [digest] }),
      patches.encodeMessage({ kind: 'get', n: 1, digest }),
    ],
    read: patches.decodeRequest,
  },
  'an answer about patches': {
    valid: [
      patches.encodeMessage({
        kind: 'known',
        n: 1,
        expecting: true,
        patches: [{ base: 0, digest, sizeBytes: 9 }],
      }),
      patches.encodeMessage({ kind: 'piece', n: 1, bytes: new Uint8Array(99) }),
    ],
    read: patches.decodeAnswer,
  },
  'a patch': {
    valid: [patch],
    read: (bytes) => applyPatch(older, bytes, target, zstd, async () => {}),
  },
  'a bundle file': { valid: [bundle], read: (bytes) => readBundle(inMemory(bytes)), isSealed: true },
}

/** One change, and then perhaps another. */
type Edit = (bytes: Uint8Array) => Uint8Array
const place = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const at = (where: number, bytes: Uint8Array): number => Math.floor(where * (bytes.length + 1))
const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.tuple(place, fc.integer({ min: 1, max: 255 })).map(([where, mask]): Edit => (bytes) => {
    const altered = bytes.slice()
    const index = Math.min(at(where, bytes), bytes.length - 1)
    if (index >= 0) altered[index] = (altered[index] as number) ^ mask
    return altered
  }),
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.slice(0, at(where, bytes)),
  ),
  place.map(
    (where): Edit =>
      (bytes) =>
        bytes.slice(at(where, bytes)),
  ),
  fc.tuple(place, fc.uint8Array({ maxLength: 40 })).map(([where, extra]): Edit => (bytes) => {
    return Uint8Array.of(...bytes.slice(0, at(where, bytes)), ...extra, ...bytes.slice(at(where, bytes)))
  }),
  fc.tuple(place, place).map(([one, other]): Edit => (bytes) => {
    const [from, to] = [at(one, bytes), at(other, bytes)].sort((a, b) => a - b) as [number, number]
    // Twice over, as a parser that loses its place would read it.
    return Uint8Array.of(...bytes.slice(0, to), ...bytes.slice(from))
  }),
  // Lengths and counts as large as they go.
  place.map((where): Edit => (bytes) => {
    const altered = bytes.slice()
    altered.set(Uint8Array.of(0xff, 0xff, 0xff, 0xff).subarray(0, bytes.length), at(where, bytes.subarray(4)))
    return altered
  }),
)
const edits = fc.array(edit, { minLength: 1, maxLength: 3 })

/** @returns what was read; null where it was refused. @throws what no reader may throw */
async function outcomeOf(read: Codec['read'], bytes: Uint8Array): Promise<unknown> {
  try {
    return (await read(bytes)) ?? null
  } catch (error) {
    if (isSelvedgeError(error)) return null
    throw new Error(`it answered ${String(error)} to ${Buffer.from(bytes).toString('hex')}`, { cause: error })
  }
}

const rows = Object.entries(codecs)

test.each(rows)('%s is read as it was written', async (_, { valid, read }) => {
  for (const bytes of valid) expect(await read(bytes)).not.toBeNull()
})

test.each(rows)('any bytes in the place of %s are a value or an error of ours', async (_, { read }) => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 300 }), async (bytes) => {
      await outcomeOf(read, bytes)
    }),
    { numRuns: 200 },
  )
})

const altered = rows.filter(([, { valid }]) => valid.length > 0)

test.each(altered)(
  '%s that was altered is a value or an error of ours, and no other where it is sealed',
  async (_, { valid, read, isSealed }) => {
    await fc.assert(
      fc.asyncProperty(fc.constantFrom(...valid), edits, async (bytes, changes) => {
        const changed = changes.reduce((before, change) => change(before), bytes)
        const found = await outcomeOf(read, changed)
        const isSame = valid.some((one) => Buffer.compare(one, changed) === 0)
        if (isSealed === true && !isSame) expect(found).toBeNull()
      }),
      { numRuns: 150 },
    )
  },
)

interface Payload {
  readonly record: object
  readonly seal: (payload: Uint8Array) => Uint8Array
  readonly read: (bytes: Uint8Array) => unknown
}

const one = (purpose: string, key: KeyPair) => (payload: Uint8Array) => sign1({ purpose, payload, key })
const many = (purpose: string, key: KeyPair) => (payload: Uint8Array) =>
  signMany({ purpose, payload, keys: [key] })

const payloads: Readonly<Record<string, Payload>> = {
  'a release': { record: releaseRecord(mesh.meshId), seal: one('release', publisher), read: readRelease },
  'a trust bundle': { record: readTrust(mesh.first).record, seal: many('trust', root), read: readTrust },
  'a revocation': {
    record: readRevocation(nodeRevocation({ mesh: mesh.meshId, key: founder.key.publicKey })).record,
    seal: many('revocation', admin),
    read: readRevocation,
  },
  'a heartbeat': { record: heartbeat, seal: one('heartbeat', admin), read: readHeartbeat },
  'a node record': { record: nodeReport, seal: one('node-record', founder.key), read: verifyNodeRecord },
  'an invite': {
    record: readSignedInvite(invite.bytes).record,
    seal: one('invite', admin),
    read: readSignedInvite,
  },
  'a receipt': {
    record: readReceipt(receipt).record,
    seal: one('receipt', founder.key),
    read: readReceipt,
  },
}

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4, withCrossShrink: true },
    fc.maxSafeInteger(),
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.boolean(),
    fc.constant(null),
    fc.string({ maxLength: 40 }),
    fc.constantFrom('__proto__', 'constructor', '', '\u0000', '*', '../..', 'x'.repeat(5_000)),
    fc.uint8Array({ maxLength: 40 }),
    fc.array(tie('value'), { maxLength: 5 }),
    fc.dictionary(fc.constantFrom('v', 'a', '__proto__', 'length'), tie('value'), { maxKeys: 4 }),
  ),
}))

/** As our own encoder writes it where it can; else as another does, which knows no shame. */
function encoded(content: unknown): Uint8Array {
  try {
    return encodeCbor(content)
  } catch {
    return new Uint8Array(foreign.encode(content))
  }
}

const foreign = new Encoder({ useRecords: false })

test.each(Object.entries(payloads))(
  '%s with any field replaced, added or left out, and signed, is a value or an error of ours',
  async (_, { record, seal, read }) => {
    expect(await outcomeOf(read, seal(encodeCbor(record)))).not.toBeNull()
    const names = [...Object.keys(record), 'unheard-of']
    const changes = fc.array(fc.tuple(fc.constantFrom(...names), fc.option(value)), { maxLength: 3 })
    await fc.assert(
      fc.asyncProperty(changes, async (fields) => {
        const changed: Record<string, unknown> = { ...record }
        for (const [name, content] of fields) {
          if (content === null) delete changed[name]
          else changed[name] = content
        }
        await outcomeOf(read, seal(encoded(changed)))
      }),
      { numRuns: 200 },
    )
  },
)

test('any payload at all behind a good signature is a value or an error of ours', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 200 }), async (payload) => {
      for (const { seal, read } of Object.values(payloads)) await outcomeOf(read, seal(payload))
    }),
    { numRuns: 100 },
  )
})

test('the identity of a node survives no altered file unseen', async () => {
  const folder = memoryFolder()
  const { nodeId } = await openNodeIdentity(folder, systemRandom)
  const names = await folder.list()
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...names), edits, async (name, changes) => {
      const copy = memoryFolder()
      for (const file of names) {
        const bytes = (await folder.read(file, 10_000)) as Uint8Array
        await copy.write(
          file,
          file === name ? changes.reduce((before, change) => change(before), bytes) : bytes,
        )
      }
      const found = await outcomeOf(() => openNodeIdentity(copy, systemRandom), new Uint8Array())
      // A key file of another form is refused; one of another key is another node, and no member.
      if (found !== null && name !== 'node-key.cbor') expect(found).toHaveProperty('nodeId', nodeId)
    }),
    { numRuns: 100 },
  )
})
