/**
 * What would become of carried records: they are taken by copies of this node's stores that live in memory, so that a
 * rehearsal is right by making the same checks, and leaves nothing behind.
 */
import { memoryFolder, type Clock } from '../../core/index.ts'
import { openCredentialBook, openTrustStore, type OnAlarm } from '../identity/index.ts'
import { openReleaseLog, readRelease } from '../releases/index.ts'
import type { CarriedRecord, CarriedVerdict } from './record.ts'
import { takeRecords, type Takers } from './taking.ts'

/** @param onAlarm told of what the real stores would raise an alarm about */
export async function rehearse(
  records: readonly CarriedRecord[],
  held: Takers,
  clock: Clock,
  onAlarm: OnAlarm,
): Promise<CarriedVerdict[]> {
  let isReady = false
  const quiet: OnAlarm = (alarm) => {
    // What is held already has raised its alarms.
    if (isReady) onAlarm(alarm)
  }
  const folder = memoryFolder()
  const trust = await openTrustStore({
    meshId: held.trust.meshId,
    folder: await folder.folder('trust'),
    onAlarm: quiet,
  })
  await trust.offerChain(held.trust.chain())
  for (const { bytes } of held.trust.revocations.all()) await trust.revocations.offer(bytes)
  const credentials = await openCredentialBook({
    trust,
    folder: await folder.folder('members'),
    onAlarm: quiet,
  })
  if (records.some(({ kind }) => kind === 'credential')) {
    for (const node of held.credentials.nodes()) {
      await credentials.offerChain(held.credentials.chainFor(node) ?? []).catch(() => {})
    }
  }
  const releases = await openReleaseLog({
    trust,
    folder: await folder.folder('releases'),
    clock,
    onAlarm: quiet,
  })
  const copies: Takers = { trust, credentials, releases }
  const ahead = records.filter(({ kind }) => kind !== 'release')
  const carried = records.filter(({ kind }) => kind === 'release')
  isReady = true
  const verdicts = new Map<CarriedRecord, CarriedVerdict>()
  const take = async (some: readonly CarriedRecord[]): Promise<void> => {
    const taken = await takeRecords(some, copies, null)
    for (const [index, verdict] of taken.entries()) verdicts.set(some[index]!, verdict)
  }
  await take(ahead)
  const copied = new Set<string>()
  for (const record of carried) {
    isReady = false
    await copyHistory(record, held, copies, copied)
    isReady = true
    await take([record])
  }
  return records.flatMap((record) => verdicts.get(record) ?? [])
}

/** Of the apps that are carried only: a node may know ten thousand others. */
async function copyHistory(
  record: CarriedRecord,
  held: Takers,
  { releases }: Takers,
  copied: Set<string>,
): Promise<void> {
  const app = appOf(record)
  if (app === null || copied.has(app)) return
  copied.add(app)
  const oldestFirst = held.releases.history(app).sort((one, other) => one.record.seq - other.record.seq)
  // What counts no more by the trust that came along is refused by the copy as well.
  for (const { bytes } of oldestFirst) await releases.offer(bytes).catch(() => {})
}

function appOf({ bytes }: CarriedRecord): string | null {
  try {
    return readRelease(bytes).record.app
  } catch {
    return null
  }
}
