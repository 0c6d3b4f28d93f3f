/** Hands a release's components to the node, which looks at each before anything is signed, and compares what it found. */
import { digestOf, shortDigest } from '../../core/index.ts'
import type { ComponentRef, ReleaseRecord } from '../../mesh/index.ts'
import type { ControlClient, UploadReport } from '../api/index.ts'
import type { ComponentSource } from './component-source.ts'
import { cliProblems } from './problems.ts'
import { requireSameApp } from './variant-check.ts'

export interface CheckedComponents {
  /** Of the component itself. */
  readonly report: UploadReport
  /** The best first. */
  readonly variants: readonly {
    readonly name: string
    readonly file: string
    readonly bytes: Uint8Array
    readonly report: UploadReport
  }[]
}

/** @throws ERR_UPLOAD_MISMATCH, ERR_VARIANT, and what the node finds wrong with a component */
export async function checkedComponents(
  client: Pick<ControlClient, 'upload'>,
  source: ComponentSource,
): Promise<CheckedComponents> {
  const report = await upload(client, source, source)
  const variants: CheckedComponents['variants'][number][] = []
  for (const variant of source.variants) {
    const found = await upload(client, source, variant, variant.name)
    await requireSameApp(variant.name, report, found)
    variants.push({ ...variant, report: found })
  }
  return { report, variants }
}

/** @throws ERR_UPLOAD_MISMATCH where the node cuts a component into other chunks than were signed */
export function requireSameChunks(
  { file }: Pick<ComponentSource, 'file'>,
  { report, variants }: CheckedComponents,
  record: ReleaseRecord,
): void {
  requireChunks(file, report, record.component)
  for (const [at, variant] of variants.entries()) {
    const named = record.variants?.[at]
    if (named !== undefined) requireChunks(variant.file, variant.report, named.component)
  }
}

async function upload(
  client: Pick<ControlClient, 'upload'>,
  { draft }: ComponentSource,
  { file, bytes }: Pick<ComponentSource, 'file' | 'bytes'>,
  variant?: string,
): Promise<UploadReport> {
  const report = await client.upload(bytes, {
    app: draft.app,
    ...(variant !== undefined && { variant }),
    grants: draft.grants,
    triggers: draft.triggers,
    links: draft.links,
    memoryBytes: draft.limits.memoryBytes,
  })
  const digest = digestOf(bytes)
  if (report.digest === digest) return report
  throw cliProblems.error(
    'ERR_UPLOAD_MISMATCH',
    `${file} has the digest ${shortDigest(digest)} here and ${shortDigest(report.digest)} on the node`,
  )
}

function requireChunks(file: string, report: UploadReport, { chunks }: ComponentRef): void {
  if (report.chunks.digest === chunks.digest) return
  throw cliProblems.error(
    'ERR_UPLOAD_MISMATCH',
    `the node cuts ${file} into other chunks (${shortDigest(report.chunks.digest)}) than this program (${shortDigest(chunks.digest)})`,
    { hint: 'use the same release of selvedge for the daemon and for its commands' },
  )
}
