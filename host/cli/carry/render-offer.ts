/** What an import would change, or has changed, for people. */
import { shortDigest } from '../../../core/index.ts'
import type { OfferReport, RecordVerdict } from '../../api/index.ts'
import { table } from '../table.ts'
import { countText, hanging, plain, sizeText } from '../text.ts'
import { bringsSome, type Cargo } from './cargo.ts'

/** `● new`, `○ known`, `✗ refused`: a sign and a word for each. */
const outcomes = {
  accepted: '● new',
  known: '○ known here',
  older: '○ older than here',
  refused: '✗ refused',
} as const

export function cargoText({ kind, mesh, digest, sizeBytes, releases }: Cargo, meshName: string): string {
  const what = kind === 'bundle' ? 'bundle' : 'image'
  return `${what} ${shortDigest(digest)} of mesh ${plain(meshName)} (${shortDigest(mesh)}), ${countText(releases.length, 'release')}, ${sizeText(sizeBytes)}\n`
}

/** A line for each release, one for each other kind, and the reasons of what was refused. */
export function offerText(cargo: Cargo, { verdicts, alarms }: OfferReport, width: number): string {
  const others = (['trust', 'revocation', 'credential'] as const).flatMap((kind) => {
    const some = verdicts.filter((verdict) => verdict.kind === kind)
    return some.length === 0 ? [] : [[`  ${countsText(some)}`, nouns[kind](some.length)]]
  })
  const releases = verdicts
    .filter(({ kind }) => kind === 'release')
    .map((verdict) => [`  ${outcomes[verdict.outcome]}`, ...releaseCells(cargo, verdict)])
  const reasons = verdicts.flatMap((verdict) => reasonLines(verdict, width))
  const raised = alarms.flatMap(({ code, message }) => hanging(`  alarm[${code}]: `, plain(message), width))
  return `${table([...others, ...releases])}${[...reasons, ...raised].map((line) => `${line}\n`).join('')}`
}

const nouns = {
  trust: () => 'whom the mesh trusts, all versions',
  revocation: (count: number) => countText(count, 'revocation'),
  credential: (count: number) => countText(count, 'member’s credential', 'members’ credentials'),
} as const

function countsText(verdicts: readonly RecordVerdict[]): string {
  const [first, ...more] = (['refused', 'accepted', 'known', 'older'] as const).filter((outcome) =>
    verdicts.some((verdict) => verdict.outcome === outcome),
  )
  if (first === undefined) return ''
  if (more.length === 0) return outcomes[first]
  return `${outcomes[first]}: ${verdicts.filter(({ outcome }) => outcome === first).length}`
}

function releaseCells(cargo: Cargo, { digest, release }: RecordVerdict): string[] {
  if (release === undefined) return [`release ${shortDigest(digest)}`]
  const { app, version, seq, sizeBytes, before, grants, held } = release
  const more = grants.filter((grant) => !(before?.grants ?? []).includes(grant))
  const carried = cargo.releases.find((one) => one.digest === digest)
  const isCarried = carried !== undefined && bringsSome(cargo, carried)
  return [
    `${plain(app)} ${plain(version)} (seq ${seq})`,
    sizeText(sizeBytes),
    before === null ? 'its first release here' : `here: ${plain(before.version)} (seq ${before.seq})`,
    held ? 'component is here' : isCarried ? 'brings its component' : 'without its component',
    more.length === 0 ? '' : `may also use: ${more.map(plain).join(', ')}`,
  ]
}

function reasonLines({ digest, release, reason }: RecordVerdict, width: number): string[] {
  if (reason === undefined) return []
  const what = release === undefined ? shortDigest(digest) : plain(`${release.app} ${release.version}`)
  return [
    ...hanging(`  ✗ ${what}: `, `${reason.code}: ${plain(reason.message)}`, width),
    ...hanging('    hint: ', plain(reason.hint), width),
  ]
}
