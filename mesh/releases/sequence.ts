/**
 * The rules of sequence numbers, as a pure function over what a node holds of one app (design.md section 5).
 *
 * Numbers only grow. Two records with one number are a fork: both are kept as evidence and the smaller digest
 * counts, so that two halves of a mesh that took different ones come to the same when they meet.
 */
import type { Digest } from '../../core/index.ts'

/** Releases kept of one app, the head included. */
export const maxHistory = 16
/** Records kept as evidence of forks of one app. */
export const maxForks = 8

/** What these rules look at. */
export interface Numbered {
  readonly digest: Digest
  readonly record: { readonly seq: number }
}

/** What is held of one app. */
export interface History<Release extends Numbered> {
  /** Newest first, each number once; the first is the head. */
  readonly line: readonly Release[]
  /** Records that lost against another of the same number. */
  readonly forks: readonly Release[]
}

export type ReleaseOutcome = 'accepted' | 'known' | 'older' | 'fork-lost' | 'fork-won'

export interface Judgement<Release extends Numbered> {
  readonly outcome: ReleaseOutcome
  /** What is held from now on; the same object where nothing changes. */
  readonly next: History<Release>
  /** The record that the offered one contradicts, where that is news: raise the alarm. */
  readonly rival: Release | null
}

/**
 * Decides what an offered release is.
 *
 * `older` is also a fork of a number that was passed long ago: it is evidence, but changes nobody's head. A fork
 * that is the ninth of its app is judged like any other, but no longer kept.
 */
export function judgeRelease<Release extends Numbered>(
  held: History<Release>,
  offered: Release,
): Judgement<Release> {
  const { line, forks } = held
  const head = line[0]
  if (head === undefined || offered.record.seq > head.record.seq) {
    return {
      outcome: 'accepted',
      next: { line: [offered, ...line].slice(0, maxHistory), forks },
      rival: null,
    }
  }
  const known = line.some(({ digest }) => digest === offered.digest)
  if (known) return { outcome: 'known', next: held, rival: null }
  const isHead = offered.record.seq === head.record.seq
  if (forks.some(({ digest }) => digest === offered.digest)) {
    return { outcome: isHead ? 'fork-lost' : 'older', next: held, rival: null }
  }
  const rival = line.find(({ record }) => record.seq === offered.record.seq)
  if (rival === undefined) return { outcome: 'older', next: held, rival: null }
  if (!isHead || offered.digest > rival.digest) {
    return { outcome: isHead ? 'fork-lost' : 'older', next: { line, forks: keep(forks, offered) }, rival }
  }
  return {
    outcome: 'fork-won',
    next: { line: [offered, ...line.slice(1)], forks: keep(forks, rival) },
    rival,
  }
}

function keep<Release>(forks: readonly Release[], loser: Release): readonly Release[] {
  return forks.length < maxForks ? [...forks, loser] : forks
}
