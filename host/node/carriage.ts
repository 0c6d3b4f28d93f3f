/** What this node gives along and takes that travels by hand: the mesh's carriage behind the control API. */
import { digestOf, isSelvedgeError, messageOf, type Digest, type Log } from '../../core/index.ts'
import {
  componentsOf,
  hexOf,
  type CarriedRecord,
  type CarriedVerdict,
  type ComponentRef,
  type HeldRelease,
  type SignedRelease,
  type Mesh,
} from '../../mesh/index.ts'
import type { Frame, NodeCarriage, OfferReport, RecordVerdict } from '../api/index.ts'
import { nodeProblems } from './problems.ts'

export interface NodeCarriageParts {
  readonly mesh: Pick<Mesh, 'trust' | 'releases' | 'blobs' | 'carriage' | 'alarms'>
  readonly log: Log
}

export function nodeCarriage({ mesh, log }: NodeCarriageParts): NodeCarriage {
  return {
    records: (digest) => framesOf(mesh, digest === null ? null : [heldRelease(mesh, digest)]),
    async offer(records, dryRun) {
      const report = dryRun ? await rehearsed(mesh, records) : await taken(mesh, records)
      const verdicts: RecordVerdict[] = []
      for (const verdict of report.verdicts) verdicts.push(await verdictOf(mesh, verdict))
      if (!dryRun) log.info('records:imported', countsOf(verdicts))
      return { ...report, verdicts }
    },
    blob: (digest) => mesh.blobs.getChunk(digest),
    async putBlobs(blobs) {
      const digests: Digest[] = []
      for (const bytes of blobs) {
        const digest = digestOf(bytes)
        await mesh.blobs.putChunk(digest, bytes)
        digests.push(digest)
      }
      return digests
    },
  }
}

async function* framesOf(
  mesh: NodeCarriageParts['mesh'],
  releases: readonly HeldRelease[] | null,
): AsyncGenerator<Frame> {
  for (const { kind, bytes } of mesh.carriage.records(releases)) {
    if (kind !== 'release') {
      yield { kind, bytes }
      continue
    }
    const held = mesh.releases.get(digestOf(bytes))
    const components = held === null ? [] : componentsOf(held.record)
    const absent = held === null ? [] : await absentOf(mesh.blobs, held.record)
    // A node fetches the one that it runs: with any of them it has something to give along.
    const isBare = absent.length === components.length
    yield { kind: isBare ? 'bare' : 'release', bytes }
    if (isBare) continue
    for (const { digest } of absent) yield { kind: 'absent', bytes: Buffer.from(digest, 'hex') }
  }
}

/** @throws ERR_RELEASE_UNKNOWN */
function heldRelease({ releases }: NodeCarriageParts['mesh'], digest: Digest): HeldRelease {
  const held = releases.get(digest)
  if (held !== null) return held
  throw nodeProblems.error('ERR_RELEASE_UNKNOWN', `this node holds no release ${digest.slice(0, 8)}`)
}

type Report = Omit<OfferReport, 'verdicts'> & { readonly verdicts: readonly CarriedVerdict[] }

async function rehearsed(
  { carriage, trust }: NodeCarriageParts['mesh'],
  records: readonly CarriedRecord[],
): Promise<Report> {
  const alarms: { code: string; message: string }[] = []
  const verdicts = await carriage.rehearse(records, ({ code, message }) => alarms.push({ code, message }))
  return { mesh: trust.meshId, trustVersion: trust.current?.record.version ?? 0, verdicts, alarms }
}

async function taken(mesh: NodeCarriageParts['mesh'], records: readonly CarriedRecord[]): Promise<Report> {
  const raised = new Set(mesh.alarms)
  const verdicts = await mesh.carriage.take(records)
  const alarms = mesh.alarms
    .filter((alarm) => !raised.has(alarm))
    .map(({ code, message }) => ({ code, message }))
  const { trust } = mesh
  return { mesh: trust.meshId, trustVersion: trust.current?.record.version ?? 0, verdicts, alarms }
}

async function verdictOf(
  { blobs }: NodeCarriageParts['mesh'],
  { kind, digest, outcome, error, release, before }: CarriedVerdict,
): Promise<RecordVerdict> {
  return {
    kind,
    digest,
    outcome,
    ...(error === null ? {} : { reason: reasonOf(error) }),
    ...(release === null
      ? {}
      : {
          release: {
            app: release.record.app,
            version: release.record.version,
            seq: release.record.seq,
            component: release.record.component.digest,
            sizeBytes: componentsOf(release.record).reduce((sum, { sizeBytes }) => sum + sizeBytes, 0),
            grants: release.record.grants,
            publisher: hexOf(release.publisher),
            before: before === null ? null : factsOf(before),
            held: (await absentOf(blobs, release.record)).length === 0,
          },
        }),
  }
}

async function absentOf(
  blobs: Pick<Mesh['blobs'], 'holds'>,
  record: SignedRelease['record'],
): Promise<ComponentRef[]> {
  const absent: ComponentRef[] = []
  for (const component of componentsOf(record)) if (!(await blobs.holds(component))) absent.push(component)
  return absent
}

function reasonOf(error: Error): NonNullable<RecordVerdict['reason']> {
  if (isSelvedgeError(error)) return { code: error.code, message: error.message, hint: error.hint }
  return { code: 'ERR_INTERNAL', message: messageOf(error), hint: 'see the daemon’s log' }
}

function countsOf(verdicts: readonly RecordVerdict[]): Record<string, number> {
  const counts: Record<string, number> = { accepted: 0, known: 0, older: 0, refused: 0 }
  for (const { outcome } of verdicts) counts[outcome] = (counts[outcome] ?? 0) + 1
  return counts
}

function factsOf({ record: { version, seq, grants } }: SignedRelease) {
  return { version, seq, grants }
}
