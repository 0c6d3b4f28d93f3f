/** All that the mesh keeps on disk, opened and verified again, and the alarms that its guardians raise. */
import { isSelvedgeError, type Clock, type DurableFolder, type Log } from '../core/index.ts'
import { AttackLedger } from './attack-ledger.ts'
import { openAudit, type Audit } from './audit.ts'
import { openBlobStore, type BlobStore } from './blobs/index.ts'
import {
  AdmissionDesk,
  identityProblems,
  openCredentialBook,
  openHeartbeatStore,
  openTrustStore,
  type Alarm,
  type CredentialBook,
  type HeartbeatStore,
  type NodeIdentity,
  type OnAlarm,
  type TrustStore,
} from './identity/index.ts'
import { openNodeRecords, type NodeRecords } from './membership/index.ts'
import { openPatchStore, type PatchStore } from './patches/index.ts'
import { openReleaseLog, type ReleaseLog } from './releases/index.ts'
import { Witness } from './witness.ts'

export interface Stores {
  readonly trust: TrustStore
  readonly heartbeats: HeartbeatStore
  readonly credentials: CredentialBook
  readonly releases: ReleaseLog
  readonly records: NodeRecords
  readonly blobs: BlobStore
  readonly patches: PatchStore
  readonly desk: AdmissionDesk
  /** Oldest first, each once. */
  readonly alarms: readonly Alarm[]
  readonly onAlarm: OnAlarm
  readonly audit: Audit
  readonly attacks: AttackLedger
  readonly witness: Witness
}

export interface StoresOptions {
  /** The node's data folder. */
  readonly folder: DurableFolder
  /** Joined: bound to a mesh, with a credential. */
  readonly identity: NodeIdentity
  /** Most bytes that components may take of the disk; no quota where it is left out. */
  readonly quotaBytes?: number
  /** Most bytes of verified chunks kept in memory; a few megabytes where it is left out. */
  readonly recentBytes?: number
  readonly clock: Clock
  readonly log: Log
}

const maxAlarms = 64

/** @throws ERR_TRUST_DAMAGED, and what opening and verifying each of them throws */
export async function openStores({
  folder,
  identity,
  quotaBytes,
  recentBytes,
  clock,
  log,
}: StoresOptions): Promise<Stores> {
  const { meshId, credential } = identity
  if (meshId === null || credential === null) throw new Error('openMesh needs a node that has joined')
  const audit = await openAudit({ folder: await folder.folder('audit'), clock, log: log.scope('audit') })
  const attacks = new AttackLedger(clock)
  const witness = new Witness(audit, attacks)
  const { alarms, onAlarm } = alarmList(log, (alarm) => witness.alarm(alarm))
  const trust = await openTrustStore({ meshId, folder: await folder.folder('trust'), onAlarm })
  const credentials = await openCredentialBook({ trust, folder: await folder.folder('members'), onAlarm })
  await credentials.offer(credential).catch((error: unknown) => {
    // It stood when the node joined, so what it rests on is gone.
    if (!isSelvedgeError(error, 'ERR_CREDENTIAL_STRANGER')) throw error
    throw identityProblems.error(
      'ERR_TRUST_DAMAGED',
      `of whom the mesh trusts, ${trust.chain().length} versions can be read, and none of them explains how this node came in`,
      { cause: error },
    )
  })
  return {
    trust,
    heartbeats: await openHeartbeatStore({
      trust,
      folder: await folder.folder('heartbeats'),
      clock,
      onAlarm,
    }),
    credentials,
    alarms,
    onAlarm,
    audit,
    attacks,
    witness,
    releases: await openReleaseLog({ trust, folder: await folder.folder('releases'), clock, onAlarm }),
    records: await openNodeRecords({ meshId, folder: await folder.folder('nodes'), clock, onAlarm }),
    blobs: await openBlobStore(await folder.folder('blobs'), {
      clock,
      log: log.scope('blobs'),
      quotaBytes,
      recentBytes,
    }),
    patches: await openPatchStore(await folder.folder('patches'), log.scope('patches')),
    desk: new AdmissionDesk({
      trust,
      book: credentials,
      folder: await folder.folder('invites'),
      nodeKey: identity.key,
      clock,
    }),
  }
}

function alarmList(log: Log, onNew: OnAlarm): { alarms: readonly Alarm[]; onAlarm: OnAlarm } {
  const alarms: Alarm[] = []
  const onAlarm = (alarm: Alarm): void => {
    // What is said already must not push out what is not.
    if (alarms.some(({ code, message }) => code === alarm.code && message === alarm.message)) return
    log.warn('alarm', { code: alarm.code, message: alarm.message })
    onNew(alarm)
    alarms.push(alarm)
    alarms.splice(0, alarms.length - maxAlarms)
  }
  return { alarms, onAlarm }
}
