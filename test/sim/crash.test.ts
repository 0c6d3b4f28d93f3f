/** Every store of trust, releases and blobs, with the power cut at each write, flush, rename and removal. */
import { expect, test } from 'vitest'
import { openFolder, silentLog, type Disk, type DurableFolder, type Log } from '../../core/index.ts'
import { componentRef, openBlobStore, type BlobStore } from '../../mesh/blobs/index.ts'
import {
  AdmissionDesk,
  openCredentialBook,
  openTrustStore,
  readTrust,
  signTrust,
  type Alarm,
  type TrustStore,
} from '../../mesh/identity/index.ts'
import { openReleaseLog, readRelease, type ReleaseLog } from '../../mesh/releases/index.ts'
import {
  application,
  foundingNode,
  handClock,
  inviteTo,
  keyNamed,
  publisher,
  root,
  startOfTime,
  testMesh,
  trustRecord,
} from '../mesh/identity/harness.ts'
import {
  nodeRevocation,
  publisherRevocation,
  releaseRevocation,
} from '../mesh/identity/revocation-harness.ts'
import { fork, release } from '../mesh/releases/harness.ts'
import { sample } from '../mesh/blobs/samples.ts'
import { cutAtEveryStep } from './crash.ts'
import { simSeed, withSeedAsync, type SimDisk } from './index.ts'

const seed = simSeed()
const mesh = await testMesh()
const { meshId } = mesh

/** All that decides what runs, opened from one disk. */
interface Stores {
  readonly trust: TrustStore
  readonly releases: ReleaseLog
  readonly alarms: Alarm[]
}

async function openStores(disk: SimDisk): Promise<Stores> {
  const alarms: Alarm[] = []
  const onAlarm = (alarm: Alarm): void => void alarms.push(alarm)
  const trust = await openTrustStore({ meshId, folder: await disk.folder('/data/trust'), onAlarm })
  if (trust.current === null) await trust.offer(mesh.first)
  const folder = await disk.folder('/data/releases')
  return { trust, alarms, releases: await openReleaseLog({ trust, folder, clock: handClock(), onAlarm }) }
}

/** What is believed, what is revoked, what should run, and what else is kept. */
function stateOf({ trust, releases }: Stores): unknown {
  const heads = releases.heads()
  return {
    chain: trust.chain().map((bytes) => readTrust(bytes).digest),
    evidence: trust.evidence().map((bytes) => readTrust(bytes).digest),
    revocations: trust.revocations
      .all()
      .map(({ digest }) => digest)
      .sort(),
    desired: releases.desired().map(({ digest }) => digest),
    histories: heads.map(({ record }) =>
      releases.history(record.app).map(({ digest, role }) => [digest, role]),
    ),
  }
}

/** A restart finds nothing torn: what is there under its name is whole. */
async function expectWhole({ alarms }: Stores): Promise<void> {
  expect(alarms.filter(({ code }) => code === 'ERR_STORED_DAMAGED')).toEqual([])
}

const digestOf = (bytes: Uint8Array): string => readRelease(bytes).digest
const one = release(mesh, { seq: 1 })
const two = release(mesh, { seq: 2, version: '2.0.0', previous: digestOf(one) })
const offer =
  (bytes: Uint8Array) =>
  ({ releases }: Stores): Promise<unknown> =>
    releases.offer(bytes)

test('releases: a restart finds the release before or the one after, and evidence of a fork whole', () =>
  withSeedAsync(seed, async (random) => {
    const [smaller, larger] = fork(mesh, { seq: 3, previous: digestOf(two) })
    const acts = [two, larger, smaller, release(mesh, { app: 'uplink', grants: [] })].map(offer)
    const plan = { open: openStores, prepare: offer(one), acts, stateOf, check: expectWhole }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(15)
  }))

/** Version `version` of the bundle, after `previous`. */
function bundle(version: number, previous: Uint8Array, admin: string): Uint8Array {
  const follows = { mesh: meshId, version, previous: readTrust(previous).digest }
  return signTrust(trustRecord({ ...follows, admins: [keyNamed(admin).publicKey] }), [root])
}

const trusting =
  (bytes: Uint8Array) =>
  ({ trust }: Stores): Promise<unknown> =>
    trust.offer(bytes)

test('trust: a restart finds the version before or the one after, never an older one', () =>
  withSeedAsync(seed, async (random) => {
    const v2 = bundle(2, mesh.first, 'admin of 2')
    const v3 = bundle(3, v2, 'admin of 3')
    const acts = [v2, v3].map(trusting)
    const plan = { open: openStores, acts, stateOf, check: expectWhole }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(15)
  }))

test('trust: of two bundles with one version a restart knows the one that stands', () =>
  withSeedAsync(seed, async (random) => {
    const pair = ['left', 'right'].map((admin) => bundle(2, mesh.first, admin))
    const [smaller, larger] = pair.sort((a, b) => (readTrust(a).digest < readTrust(b).digest ? -1 : 1))
    const plan = {
      open: openStores,
      prepare: trusting(larger as Uint8Array),
      acts: [trusting(smaller as Uint8Array)],
      // The loser is kept before the winner takes its place: evidence may come first.
      stateOf: ({ trust }: Stores) => trust.chain().map((bytes) => readTrust(bytes).digest),
      check: expectWhole,
    }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(5)
  }))

test('revocations: what was acknowledged is revoked after any restart, with all that follows for what runs', () =>
  withSeedAsync(seed, async (random) => {
    const revocations = [
      nodeRevocation({ mesh: meshId, key: keyNamed('lost node').publicKey }),
      releaseRevocation({ mesh: meshId, app: 'light-alarm', release: digestOf(two) }),
      publisherRevocation({ mesh: meshId, key: publisher.publicKey, running: 'stop' }),
    ]
    const acts = revocations.map(
      (bytes) =>
        ({ trust }: Stores): Promise<unknown> =>
          trust.revocations.offer(bytes),
    )
    const prepare = async (stores: Stores): Promise<void> => {
      for (const bytes of [one, two]) await stores.releases.offer(bytes)
    }
    const plan = { open: openStores, prepare, acts, stateOf, check: expectWhole }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(10)
  }))

test('a bundle, a release that rests on it, and its revocation: after a restart never the second without the first', () =>
  withSeedAsync(seed, async (random) => {
    const newcomer = keyNamed('new publisher')
    const entry = { key: newcomer.publicKey, apps: ['uplink'], grants: [] }
    const follows = { mesh: meshId, version: 2, previous: readTrust(mesh.first).digest }
    const v2 = signTrust(trustRecord({ ...follows, publishers: [entry] }), [root])
    const theirs = release(mesh, { app: 'uplink', grants: [] }, newcomer)
    const plan = {
      open: openStores,
      prepare: offer(one),
      acts: [
        trusting(v2),
        offer(theirs),
        ({ trust }: Stores) =>
          trust.revocations.offer(publisherRevocation({ mesh: meshId, key: newcomer.publicKey })),
      ],
      stateOf,
      check: expectWhole,
    }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(15)
  }))

test('an invite that is redeemed as the power fails lets in one node in the end', () =>
  withSeedAsync(seed, async (random) => {
    const founder = await foundingNode(mesh)
    const invite = inviteTo(mesh)
    const redeem = async (desk: AdmissionDesk, name: string): Promise<string> => {
      const { bytes, id } = application(invite, name)
      return Buffer.from((await desk.redeem(bytes, id)).receipt).toString('hex')
    }
    const receipts: string[] = []
    const plan = {
      open: async (disk: SimDisk) => {
        const folder = await disk.folder('/data/invites')
        const book = await openCredentialBook({
          trust: mesh.trust,
          folder: await disk.folder('/data/members'),
          onAlarm: () => {},
        })
        await book.offer(founder.credential)
        return new AdmissionDesk({ trust: mesh.trust, book, folder, nodeKey: founder.key, clock: mesh.clock })
      },
      acts: [async (desk: AdmissionDesk) => receipts.push(await redeem(desk, 'x'))],
      stateOf: () => null,
      check: async (desk: AdmissionDesk, acknowledged: number) => {
        // Whoever holds a receipt is the one; else whoever comes first is, and nobody after.
        const [first, second] = acknowledged > 0 ? (['x', 'y'] as const) : (['y', 'x'] as const)
        const isFirst = await redeem(desk, first).catch(() => null)
        const isSecond = await redeem(desk, second).catch(() => null)
        if (acknowledged > 0) expect(isFirst).toBe(receipts.at(-1))
        expect([isFirst, isSecond].filter((receipt) => receipt !== null)).toHaveLength(1)
      },
    }
    expect(startOfTime).toBeLessThanOrEqual(mesh.clock.time)
    await cutAtEveryStep(plan, random)
  }))

const oldComponent = sample(61, 40_000)
const newComponent = sample(62, 40_000)
const [oldRef, newRef] = [oldComponent, newComponent].map((bytes) => componentRef(bytes).ref) as [
  ReturnType<typeof componentRef>['ref'],
  ReturnType<typeof componentRef>['ref'],
]

test('blobs: a restart has each component whole or knows what it lacks, and goes on from there', () =>
  withSeedAsync(seed, async (random) => {
    const damaged: string[] = []
    const log: Log = { ...silentLog, scope: () => log, warn: (event) => void damaged.push(event) }
    const clock = handClock()
    const open = async (disk: SimDisk): Promise<BlobStore> =>
      openBlobStore(await disk.folder('/data/blobs'), { clock, log })
    const acts = [
      (store: BlobStore) => store.putComponent(newComponent),
      (store: BlobStore) => {
        clock.time += 3_600_000
        return store.collect([newRef])
      },
    ]
    const plan = {
      open,
      prepare: (store: BlobStore) => store.putComponent(oldComponent),
      acts,
      stateOf: () => null,
      check: async (store: BlobStore, acknowledged: number) => {
        const states = [await store.check(oldRef), await store.check(newRef)]
        expect(states).not.toContain('mismatched')
        if (acknowledged === 0) expect(states[0]).toBe('whole')
        else expect(states[1]).toBe('whole')
        // What is there by name is there in fact: nobody serves, or counts on, what is torn.
        for (const [at, ref] of [oldRef, newRef].entries()) {
          expect(await store.holds(ref)).toBe(states[at] === 'whole')
        }
        expect(damaged).toEqual([])
        await store.putComponent(newComponent)
        expect(await store.check(newRef)).toBe('whole')
      },
    }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(30)
  }))

/** A disk that acknowledges flushes of `what` and does nothing. */
function careless(disk: SimDisk, what: 'folders' | 'renames'): Promise<DurableFolder> {
  const careless: Disk = {
    makeFolder: (path) => disk.makeFolder(path),
    isFolder: (path) => disk.isFolder(path),
    entries: (path) => disk.entries(path),
    createSynced: (path, bytes) => disk.createSynced(path, bytes),
    readWhole: (path, judge) => disk.readWhole(path, judge),
    link: (from, to) => disk.link(from, to),
    remove: (path) => disk.remove(path),
    sizeOf: (path) => disk.sizeOf(path),
    rename: async (from, to) => {
      if (what === 'folders') return disk.rename(from, to)
      // As a program that removes the old file and writes the new one.
      await disk.remove(to)
      return disk.rename(from, to)
    },
    syncFolder: async (path) => {
      if (what === 'renames') await disk.syncFolder(path)
    },
  }
  return openFolder('/data', careless)
}

test.each(['folders', 'renames'] as const)('these tests notice a store that is careless with %s', (what) =>
  withSeedAsync(seed, async (random) => {
    const encode = (text: string): Uint8Array => new TextEncoder().encode(text)
    const plan = {
      open: async (disk: SimDisk) => careless(disk, what),
      prepare: (folder: DurableFolder) => folder.write('file', encode('old')),
      acts: [(folder: DurableFolder) => folder.write('file', encode('new'))],
      stateOf: (folder: DurableFolder) => folder.read('file', 100),
    }
    await expect(cutAtEveryStep(plan, random)).rejects.toThrow('power cut before step')
  }),
)
