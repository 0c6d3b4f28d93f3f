/** What a release record must be, beside what trust says of it: of this mesh, and the next of its app where it is published here. */
import { shortDigest } from '../../core/index.ts'
import { hexOf, type Trust } from '../identity/index.ts'
import { decodeHistory } from './history-file.ts'
import { releasesProblems } from './problems.ts'
import type { HeldRelease } from './held-release.ts'
import { allOf, type AppReleases } from './release-standing.ts'
import { readRelease, type SignedRelease } from './signed-release.ts'

/** Reads the file of an app. @throws where it holds anything but releases of this app and mesh, the newest first */
export function readStored(bytes: Uint8Array, app: string, trust: Trust): AppReleases<HeldRelease> {
  const stored = decodeHistory(bytes, (signed) => {
    const release = readRelease(signed)
    requireMesh(release, trust)
    if (release.record.app !== app) throw new Error(`it holds a release of ${release.record.app}`)
    return release
  })
  const { line } = stored
  const ordered = line.every((release, index) => {
    const newer = line[index - 1]
    return newer === undefined || newer.record.seq > release.record.seq
  })
  if (!ordered || allOf(stored).length === 0) throw new Error('its releases are out of order')
  return stored
}

/** @throws ERR_RELEASE_MESH */
export function requireMesh({ record }: SignedRelease, trust: Pick<Trust, 'meshId'>): void {
  if (record.mesh === trust.meshId) return
  throw releasesProblems.error(
    'ERR_RELEASE_MESH',
    `${record.app} ${record.version} is for mesh ${shortDigest(record.mesh)}, this is ${shortDigest(trust.meshId)}`,
  )
}

/** @throws ERR_RELEASE_SEQUENCE where it does not follow the newest one */
export function requireNext({ record }: SignedRelease, head: SignedRelease | null): void {
  const { app, seq, previous } = record
  const headSeq = head?.record.seq ?? 0
  if (seq <= headSeq) {
    throw releasesProblems.error(
      'ERR_RELEASE_SEQUENCE',
      `${app} is at number ${headSeq} here; ${seq} is not above it`,
    )
  }
  if (previous === (head?.digest ?? null)) return
  const follows = previous === null ? 'no release' : `release ${shortDigest(previous)}`
  const newest = head === null ? 'there is none yet' : `the newest here is ${shortDigest(head.digest)}`
  throw releasesProblems.error(
    'ERR_RELEASE_SEQUENCE',
    `this release of ${app} follows ${follows}, but ${newest}`,
  )
}

/** Who signed two releases, for the message about a fork. */
export function signersOf(a: SignedRelease, b: SignedRelease): string {
  const keys = new Set([a, b].map(({ publisher }) => `${hexOf(publisher).slice(0, 16)}…`))
  return keys.size === 1
    ? `one publisher, ${[...keys].join('')}`
    : `the publishers ${[...keys].join(' and ')}`
}
