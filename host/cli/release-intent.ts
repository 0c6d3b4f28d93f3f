/** What a signature will say, and what it costs the mesh: the last thing a publisher reads before it is handed over. */
import type { PublishContext, UploadReport } from '../api/index.ts'
import type { ReleaseDraft } from '../manifest/index.ts'
import { paintFor } from './paint.ts'
import { placementText } from './placement-text.ts'
import { placesText, type Change } from './release-changes.ts'
import { plain, sizeText } from './text.ts'

export interface ReleaseIntent {
  readonly draft: ReleaseDraft
  readonly version: string
  readonly sizeBytes: number
  readonly terms: PublishContext
  readonly changes: readonly Change[]
  readonly report: Pick<UploadReport, 'moves'>
}

/** @returns lines, louder where it takes more than the release before */
export function intentText(
  { draft, version, sizeBytes, terms, changes, report }: ReleaseIntent,
  colour: boolean,
): string[] {
  const paint = paintFor(colour)
  const { head, nextSeq } = terms
  const more = draft.grants.filter((grant) => head !== null && !head.grants.includes(grant))
  const grants = draft.grants.length === 0 ? 'nothing' : draft.grants.join(', ')
  const rule = placementText(draft.placement)
  const follows = head === null ? 'its first release' : `after ${plain(head.version)} (seq ${head.seq})`
  return [
    `signs ${draft.app} ${version} (seq ${nextSeq}), ${follows}, ${sizeText(sizeBytes)} component`,
    `  may use: ${grants}${more.length === 0 ? '' : paint.yellow(` — NEW: ${more.join(', ')}`)}`,
    `  goes to: ${placesText(draft.groups)}`,
    ...(rule === '' ? [] : [`  runs on: ${rule}`]),
    ...changes
      // New grants stand above.
      .filter(({ field, asksMore }) => field !== 'grants' || !asksMore)
      .map(({ says, asksMore }) => (asksMore ? paint.yellow(`  CHANGES: ${says}`) : `  changes: ${says}`)),
    ...(report.moves === undefined ? [] : [`  to move: ${movesText(report.moves, head)}`]),
  ]
}

function movesText(
  { fullBytes, updateBytes }: NonNullable<UploadReport['moves']>,
  head: PublishContext['head'],
): string {
  const full = `${sizeText(fullBytes)} to a node that has nothing of it`
  if (updateBytes === null || head === null) return full
  const update = updateBytes === 0 ? 'nothing' : `at most ${sizeText(updateBytes)}`
  return `${update} to one that has ${plain(head.version)}, ${full}`
}
