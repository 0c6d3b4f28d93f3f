/** What a node and its people keep beside trust and releases, with the power cut at each write, flush, rename and removal. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { digestOf, silentLog, type Digest, type Disk, type Log } from '../../core/index.ts'
import { systemDisk } from '../../core/disk.ts'
import { auditLimits, openAudit, type Audit, type AuditNews } from '../../mesh/audit.ts'
import {
  openHeartbeatStore,
  openKeyRing,
  signHeartbeat,
  type HeartbeatStore,
  type KeyRing,
} from '../../mesh/identity/index.ts'
import { openPatchStore, type PatchStore } from '../../mesh/patches/index.ts'
import { sample } from '../mesh/blobs/samples.ts'
import {
  admin,
  handClock,
  keyNamed,
  seededRandom,
  startOfTime,
  testMesh,
  trustRecord,
} from '../mesh/identity/harness.ts'
import { cutAtEveryStep } from './crash.ts'
import { simSeed, withSeedAsync, type SimDisk } from './index.ts'

const seed = simSeed()

/** A log that remembers what it was warned of. */
function warnings(): { log: Log; events: string[] } {
  const events: string[] = []
  const log: Log = { ...silentLog, scope: () => log, warn: (event) => void events.push(event) }
  return { log, events }
}

const release: AuditNews = {
  kind: 'taken',
  what: 'release',
  text: 'light-alarm 2.0.0 (number 4)',
  signers: ['ab'.repeat(32)],
  from: 'peer-a',
  code: null,
  attack: null,
}
const refusal: AuditNews = { ...release, kind: 'refused', code: 'ERR_RELEASE_STRANGER' }

interface Journal {
  readonly audit: Audit
  readonly events: string[]
}

async function openJournal(disk: SimDisk): Promise<Journal> {
  const { log, events } = warnings()
  const folder = await disk.folder('/data/audit')
  return { audit: await openAudit({ folder, clock: handClock(), log }), events }
}

/** Adds these and writes; an entry counts as kept where the journal did not complain. */
const noting =
  (...news: AuditNews[]) =>
  async ({ audit, events }: Journal): Promise<void> => {
    for (const each of news) audit.add(each)
    await audit.flush()
    if (events.includes('audit:unsaved')) throw new Error('not on the disk')
  }
const journalOf = ({ audit }: Journal): unknown =>
  audit
    .tail(auditLimits.segments * auditLimits.entriesPerSegment)
    .map(({ seq, text, count }) => [seq, text, count])

async function expectUndamaged({ audit, events }: Journal): Promise<void> {
  expect(events).toEqual([])
  // And it goes on from there, with a number that nobody had.
  const last = audit.tail(1)[0]?.seq ?? 0
  await noting(release)({ audit, events })
  expect(audit.tail(1)[0]?.seq).toBe(last + 1)
}

test('the journal: what was written is there after a restart, with the counts of before or after', () =>
  withSeedAsync(seed, async (random) => {
    const acts = [noting(release), noting(refusal), noting(refusal), noting(release, refusal)]
    const plan = {
      open: openJournal,
      prepare: noting(release),
      acts,
      stateOf: journalOf,
      check: expectUndamaged,
    }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(15)
  }))

test('heartbeats: a restart finds the last one or the one before, and never an older', async () => {
  const second = keyNamed('second admin')
  const mesh = await testMesh(trustRecord({ admins: [admin.publicKey, second.publicKey] }))
  const alarms: string[] = []
  const open = async (disk: SimDisk): Promise<HeartbeatStore> => {
    const folder = await disk.folder('/data/heartbeats')
    return openHeartbeatStore({ ...mesh, folder, onAlarm: ({ code }) => alarms.push(code) })
  }
  const beat =
    (counter: number, by = admin) =>
    (store: HeartbeatStore): Promise<unknown> =>
      store.offer(
        signHeartbeat(
          {
            v: 1,
            mesh: mesh.meshId,
            counter,
            at: startOfTime,
            trust: 1,
            releases: 'ab'.repeat(32),
            critical: [],
          },
          by,
        ),
      )
  await withSeedAsync(seed, async (random) => {
    const stateOf = (store: HeartbeatStore): unknown =>
      [admin, second].map(({ publicKey }) => store.nextCounter(publicKey))
    const plan = { open, prepare: beat(1), acts: [beat(2), beat(9, second), beat(3)], stateOf }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(10)
    expect(alarms).toEqual([])
  })
})

const named = (name: string): Digest => digestOf(new TextEncoder().encode(name))

/** Patches are a cache: any of them may be gone, and none may be wrong or too much. */
test('patches: what was kept is there, what is there is whole, and what nobody needs goes in the end', () =>
  withSeedAsync(seed, async (random) => {
    const { log, events } = warnings()
    const [old, next] = [named('old'), named('next')]
    const patches = Array.from({ length: 4 }, (_, at) => ({
      base: named(`base ${at}`),
      target: at < 2 ? old : next,
      bytes: sample(at + 1, 3_000),
    }))
    const keep =
      (at: number) =>
      (store: PatchStore): Promise<void> => {
        const { base, target, bytes } = patches[at] as (typeof patches)[number]
        return store.put(base, target, bytes)
      }
    const found = (store: PatchStore): number[] =>
      patches.flatMap(({ base, target }, at) => (store.find(target, [base]).length > 0 ? [at] : []))
    const retain = (store: PatchStore): Promise<void> => store.retain(new Set([next]))
    const plan = {
      open: async (disk: SimDisk) => openPatchStore(await disk.folder('/data/patches'), log),
      prepare: keep(0),
      acts: [keep(1), keep(2), keep(3), retain],
      stateOf: () => null,
      check: async (store: PatchStore, acknowledged: number) => {
        const held = found(store)
        for (let at = 0; at <= Math.min(acknowledged, 3); at++) {
          // From the last act on the first two are on their way out.
          if (acknowledged < 3 || patches[at]?.target === next) expect(held).toContain(at)
        }
        for (const at of held) {
          const { base, target, bytes } = patches[at] as (typeof patches)[number]
          const [patch] = store.find(target, [base])
          expect(patch?.digest).toBe(digestOf(bytes))
          expect(await store.get(digestOf(bytes))).toEqual(bytes)
        }
        await retain(store)
        expect(found(store).filter((at) => patches[at]?.target === old)).toEqual([])
        expect(events).toEqual([])
      },
    }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(12)
  }))

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

/**
 * A simulated disk whose files are real ones as well: a ring reads them itself, as it asks for their owner and mode. What a
 * disk has when it is opened is laid out anew, which is what the power cut left.
 */
async function realFiles(disk: SimDisk): Promise<{ root: string; disk: Disk }> {
  const root = await mkdtemp(join(tmpdir(), 'selvedge-cut-'))
  folders.push(root)
  const inside = (path: string): string => path.slice(root.length) || '/'
  for (const path of disk.files()) {
    await mkdir(join(root, dirname(path)), { recursive: true, mode: 0o700 })
    const bytes = await disk.readWhole(path, () => {})
    await writeFile(join(root, path), bytes, { mode: 0o600 })
  }
  const both =
    <Args extends readonly string[], T>(
      simulated: (...paths: Args) => Promise<T>,
      real: (...paths: Args) => Promise<T>,
    ) =>
    async (...paths: Args): Promise<T> => {
      const answer = await simulated(...(paths.map(inside) as unknown as Args))
      await real(...paths)
      return answer
    }
  return {
    root,
    disk: {
      makeFolder: both((path: string) => disk.makeFolder(path), systemDisk.makeFolder),
      remove: both((path: string) => disk.remove(path), systemDisk.remove),
      rename: both((from: string, to: string) => disk.rename(from, to), systemDisk.rename),
      link: both((from: string, to: string) => disk.link(from, to), systemDisk.link),
      syncFolder: both((path: string) => disk.syncFolder(path), systemDisk.syncFolder),
      createSynced: async (path, bytes) => {
        await disk.createSynced(inside(path), bytes)
        await systemDisk.createSynced(path, bytes)
      },
      isFolder: (path) => disk.isFolder(inside(path)),
      entries: (path) => disk.entries(inside(path)),
      readWhole: (path, judge) => disk.readWhole(inside(path), judge),
      sizeOf: (path) => disk.sizeOf(inside(path)),
    },
  }
}

const meshId = named('mesh')
const secret = (name: string): Uint8Array => seededRandom(name).bytes(32)
const keyHeader = { meshId, name: 'harbor', role: 'publisher' } as const

test('keys: a key is there or is not, encrypted or as it was; it never is lost, and none is torn', () =>
  withSeedAsync(seed, async (random) => {
    const passphrase = 'correct horse battery'
    const open = async (disk: SimDisk): Promise<KeyRing> => {
      const { root, disk: real } = await realFiles(disk)
      return openKeyRing(join(root, 'keys'), { disk: real, ask: async () => passphrase })
    }
    // The usual cost would be half a second for each of some hundred times.
    const options = { passphrase, random: seededRandom('salt'), cost: { n: 2, r: 1, p: 1 } }
    const plan = {
      open,
      prepare: (ring: KeyRing) => ring.create({ ...keyHeader, seed: secret('mine') }),
      acts: [
        (ring: KeyRing) => ring.create({ ...keyHeader, label: 'ci', seed: secret('ci') }),
        (ring: KeyRing) => ring.protect(meshId, 'publisher', '', options),
        (ring: KeyRing) => ring.unprotect(meshId, 'publisher', ''),
      ],
      stateOf: async (ring: KeyRing) =>
        (await ring.keys(meshId)).map(({ label, isEncrypted }) => [label, isEncrypted]),
      check: async (ring: KeyRing) => {
        expect((await ring.get(meshId, 'publisher', '')).publicKey).toEqual(keyNamed('mine').publicKey)
        // A file that cannot be read is skipped in the list: there must be none.
        const paths = (await ring.keys(meshId)).map(({ path }) => path)
        for (const path of paths) expect(await readFile(path, 'utf8')).toMatch(/^\{[^]*\}\n$/)
      },
    }
    expect(await cutAtEveryStep(plan, random)).toBeGreaterThan(12)
  }))
