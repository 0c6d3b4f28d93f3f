/** The last line of `publish`: what was published, where it runs, and what it took to get there. */
import type { ReleaseEntry } from '../api/index.ts'
import type { RolloutProgress } from './rollout-progress.ts'
import { ageText, sizeText } from './text.ts'

/** @param progress null where nobody waited */
export function receiptText(
  { app, version, seq, sizeBytes }: ReleaseEntry,
  progress: RolloutProgress | null,
  elapsedMs: number,
): string {
  const component = `${sizeText(sizeBytes)} component`
  if (progress === null)
    return `${app} ${version} (seq ${seq}) is on its way · ${ageText(elapsedMs)} · ${component}`
  const { running, nodes } = progress
  const fetched = nodes
    .flatMap(({ transfer }) => transfer ?? [])
    .filter(({ fetchedBytes }) => fetchedBytes > 0)
  const patched = fetched.filter(({ via }) => via === 'patch').length
  return [
    `${app} ${version} on ${running}/${nodes.length}`,
    ...(fetched.length === 0
      ? [component]
      : [
          `${spanText(fetched.map(({ fetchedBytes }) => fetchedBytes))} for ${articleOf(component)} ${component}`,
          `${fetched.length} got it from peers${patchText(patched, fetched.length)}`,
        ]),
    ageText(elapsedMs),
  ].join(' · ')
}

/** Most nodes fetch about the same; where they do not, the extremes say more than an average of two kinds. */
function spanText(bytes: readonly number[]): string {
  const [least, most] = [Math.min(...bytes), Math.max(...bytes)]
  if (most <= least * 1.2) return sizeText(most)
  return `${sizeText(least)} to ${sizeText(most)}`
}

function patchText(patched: number, fetched: number): string {
  if (patched === 0) return ''
  return patched === fetched ? ' as a patch' : `, ${patched} of them as a patch`
}

/** Of a number as it is read: an 8, an 11, an 18, an 80. */
function articleOf(size: string): 'a' | 'an' {
  return /^(?:8|(?:11|18)(?:\D|$))/.test(size) ? 'an' : 'a'
}
