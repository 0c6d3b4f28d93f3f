/**
 * Takes a cargo to the node: whom to believe first, then each release behind its component. A release is handed over
 * when all of it is on the node's disk, so that an import that is interrupted leaves whole releases and none by half.
 */
import { digestOf, shortDigest } from '../../../core/index.ts'
import type { CarriedRecord, ComponentRef, SignedRelease } from '../../../mesh/index.ts'
import type { ControlClient, OfferReport, RecordVerdict } from '../../api/index.ts'
import { cliProblems } from '../problems.ts'
import type { Cargo } from './cargo.ts'

export interface UnloadOptions {
  readonly client: ControlClient
  readonly signal: AbortSignal
  /** Told of each component before it is handed over. */
  onRelease(release: SignedRelease): void
  /** Told of bytes of components that were handed over. */
  onBytes(bytes: number): void
}

/** Chunks handed over in one request: below `apiLimits.blobsBytes` with what frames them. */
const batchBytes = 4 * 1024 * 1024

/**
 * @param plan what a rehearsal said of the same cargo
 * @throws ERR_IMPORT_COMPONENT where the chunks of a component do not add up to what was signed
 */
export async function unload(cargo: Cargo, plan: OfferReport, options: UnloadOptions): Promise<OfferReport> {
  const { client, signal } = options
  const { componentsOf } = await import('../../../mesh/index.ts')
  const ahead = cargo.records.filter(({ kind }) => kind !== 'release')
  const reports: OfferReport[] = []
  const offer = async (records: readonly CarriedRecord[]): Promise<void> => {
    if (records.length > 0) reports.push(await client.carriage.offer(records, { dryRun: false }))
  }
  await offer(ahead)
  const planned = new Map(plan.verdicts.map((verdict) => [verdict.digest, verdict]))
  for (const release of cargo.releases) {
    signal.throwIfAborted()
    const carried = componentsOf(release.record).filter((component) => cargo.holds(component))
    if (isWanted(planned.get(release.digest)) && carried.length > 0) {
      options.onRelease(release)
      for (const component of carried) await handOver(cargo, component, options)
    }
    await offer([{ kind: 'release', bytes: release.bytes }])
  }
  const last = reports.at(-1) ?? plan
  return {
    ...last,
    verdicts: reports.flatMap(({ verdicts }) => verdicts),
    alarms: reports.flatMap(({ alarms }) => alarms),
  }
}

/** Also of what is known: its component may have been damaged, or never have come. */
function isWanted(verdict: RecordVerdict | undefined): boolean {
  if (verdict?.release === undefined || verdict.release.held) return false
  return verdict.outcome === 'accepted' || verdict.outcome === 'known'
}

async function handOver(
  cargo: Cargo,
  ref: ComponentRef,
  { client, signal, onBytes }: UnloadOptions,
): Promise<void> {
  await checkComponent(cargo, ref)
  let batch: Uint8Array[] = []
  let size = 0
  const send = async (): Promise<void> => {
    const found = await client.carriage.putBlobs(batch)
    const wrong = batch.findIndex((bytes, at) => digestOf(bytes) !== found[at])
    if (wrong !== -1) {
      throw cliProblems.error('ERR_UPLOAD_MISMATCH', 'the node read another chunk than was sent')
    }
    onBytes(size)
    batch = []
    size = 0
  }
  for await (const bytes of cargo.component(ref)) {
    signal.throwIfAborted()
    if (size + bytes.length > batchBytes) await send()
    batch.push(bytes)
    size += bytes.length
  }
  if (batch.length > 0) await send()
}

/**
 * Every chunk is what its list says; this is about the list, which could add up to something else than what was
 * signed. Holds one component in memory.
 * @throws ERR_IMPORT_COMPONENT, ERR_CHUNK_LIST
 */
export async function checkComponent(cargo: Cargo, ref: ComponentRef): Promise<Uint8Array> {
  const { readChunkList } = await import('../../../mesh/index.ts')
  const chunks = new Map<string, Uint8Array>()
  let list: Uint8Array | null = null
  for await (const bytes of cargo.component(ref)) {
    if (list === null) list = bytes
    else chunks.set(digestOf(bytes), bytes)
  }
  const whole = assemble(
    readChunkList(list ?? new Uint8Array(), ref).chunks.map(({ digest }) => digest),
    chunks,
  )
  if (digestOf(whole) === ref.digest) return whole
  throw cliProblems.error(
    'ERR_IMPORT_COMPONENT',
    `the chunks of component ${shortDigest(ref.digest)} add up to something else`,
  )
}

/** Joins chunks in the order of their list; those that are missing are left out, which the digest finds. */
export function assemble(names: readonly string[], chunks: ReadonlyMap<string, Uint8Array>): Uint8Array {
  return new Uint8Array(Buffer.concat(names.flatMap((name) => chunks.get(name) ?? [])))
}
