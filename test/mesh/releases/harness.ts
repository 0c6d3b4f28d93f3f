/** Release records of the mesh that the identity tests make, and logs that keep them. */
import { memoryFolder, type DurableFolder } from '../../../core/index.ts'
import type { Alarm, TrustStore } from '../../../mesh/identity/index.ts'
import {
  openReleaseLog,
  readRelease,
  signRelease,
  type ReleaseLog,
  type ReleaseRecord,
} from '../../../mesh/releases/index.ts'
import { handClock, publisher, startOfTime, type TestMesh } from '../identity/harness.ts'

export function releaseRecord(mesh: string, changes: Partial<ReleaseRecord> = {}): ReleaseRecord {
  return {
    v: 1,
    mesh,
    app: 'light-alarm',
    seq: 1,
    version: '1.0.0',
    component: {
      digest: 'c0'.repeat(32),
      sizeBytes: 12_000,
      chunks: { digest: 'c1'.repeat(32), sizeBytes: 90 },
    },
    grants: ['pin:led', 'sensor:light'],
    triggers: [{ kind: 'sensor', sensor: 'light', everyMs: 500 }],
    config: { threshold: '40' },
    limits: { memoryBytes: 16 * 1024 * 1024, deadlineMs: 1_000 },
    groups: [],
    previous: null,
    signedAt: startOfTime,
    critical: [],
    ...changes,
  }
}

export function release(mesh: TestMesh, changes: Partial<ReleaseRecord> = {}, key = publisher): Uint8Array {
  return signRelease(key, releaseRecord(mesh.meshId, changes))
}

/** Two releases that differ in nothing but their version, the smaller digest first. */
export function fork(mesh: TestMesh, changes: Partial<ReleaseRecord> = {}): [Uint8Array, Uint8Array] {
  const pair = ['1.0.0', '1.0.1'].map((version) => release(mesh, { ...changes, version }))
  return pair.sort((a, b) => (digest(a) < digest(b) ? -1 : 1)) as [Uint8Array, Uint8Array]
}

export function digest(bytes: Uint8Array): string {
  return readRelease(bytes).digest
}

export interface TestLog {
  readonly log: ReleaseLog
  readonly alarms: Alarm[]
}

export async function openLog(trust: TrustStore, folder: DurableFolder = memoryFolder()): Promise<TestLog> {
  const alarms: Alarm[] = []
  const log = await openReleaseLog({
    trust,
    folder,
    clock: handClock(),
    onAlarm: (alarm) => alarms.push(alarm),
  })
  return { log, alarms }
}
