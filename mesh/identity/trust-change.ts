/**
 * Changes of whom a mesh trusts, pure: the newest version and what is to change give the next version, unsigned.
 * What would leave nobody who can sign the version after it is refused here, before anybody signs.
 */
import type { KeyPair } from '../../core/index.ts'
import { hexOf, sameBytes } from './fields.ts'
import { identityProblems } from './problems.ts'
import { maxKeys, type PublisherEntry, type TrustBundle, type TrustRecord } from './trust-bundle.ts'
import { rootsAmong } from './trust-rules.ts'

export type TrustChange =
  /** Also changes what a publisher that is there may do. */
  | { readonly kind: 'set-publisher'; readonly publisher: PublisherEntry }
  | { readonly kind: 'remove-publisher'; readonly key: Uint8Array }
  | { readonly kind: 'add-admin'; readonly key: Uint8Array }
  | { readonly kind: 'remove-admin'; readonly key: Uint8Array }
  | { readonly kind: 'add-root'; readonly key: Uint8Array }
  | { readonly kind: 'remove-root'; readonly key: Uint8Array }
  | { readonly kind: 'rotate-root'; readonly from: Uint8Array; readonly to: Uint8Array }
  | { readonly kind: 'set-threshold'; readonly threshold: number }

const maxPublishers = 256

/**
 * Makes the record of the next version. It needs the signatures of as many roots as `current` asks for, and of as many
 * as it asks for itself: `signTrust`, `cosignTrust`.
 * @param changes made in this order; only the result must be one that can be lived with
 * @param now wall clock, ms since the epoch
 * @throws ERR_TRUST_CHANGE where a key is not there, or there already; ERR_TRUST_LOCKOUT
 */
export function changeTrust(current: TrustBundle, changes: readonly TrustChange[], now: number): TrustRecord {
  const { record, digest } = current
  const changed = changes.reduce(applyChange, record)
  requireUsable(changed)
  if (sameContent(changed, record)) throw refused('the mesh trusts exactly these already')
  return {
    ...changed,
    mesh: record.mesh ?? digest,
    version: record.version + 1,
    previous: digest,
    createdAt: now,
  }
}

function applyChange(record: TrustRecord, change: TrustChange): TrustRecord {
  const { roots, admins, publishers } = record
  switch (change.kind) {
    case 'set-publisher': {
      const { publisher } = change
      const others = publishers.filter(({ key }) => !sameBytes(key, publisher.key))
      return { ...record, publishers: [...others, publisher] }
    }
    case 'remove-publisher': {
      const kept = publishers.filter(({ key }) => !sameBytes(key, change.key))
      if (kept.length === publishers.length) throw refused(`${nameOf(change.key)} is no publisher`)
      return { ...record, publishers: kept }
    }
    case 'add-admin':
      return { ...record, admins: withKey(admins, change.key, 'admin') }
    case 'remove-admin':
      return { ...record, admins: withoutKey(admins, change.key, 'admin') }
    case 'add-root':
      return { ...record, roots: withKey(roots, change.key, 'root') }
    case 'remove-root':
      return { ...record, roots: withoutKey(roots, change.key, 'root') }
    case 'rotate-root':
      return { ...record, roots: withKey(withoutKey(roots, change.from, 'root'), change.to, 'root') }
    case 'set-threshold':
      return { ...record, threshold: change.threshold }
  }
}

function withKey(keys: readonly Uint8Array[], key: Uint8Array, role: string): readonly Uint8Array[] {
  if (keys.some((known) => sameBytes(known, key)))
    throw refused(`${nameOf(key)} is one of its ${role} keys already`)
  return [...keys, key]
}

function withoutKey(keys: readonly Uint8Array[], key: Uint8Array, role: string): readonly Uint8Array[] {
  const kept = keys.filter((known) => !sameBytes(known, key))
  if (kept.length === keys.length) throw refused(`${nameOf(key)} is none of its ${role} keys`)
  return kept
}

function requireUsable({ roots, admins, publishers, threshold }: TrustRecord): void {
  if (roots.length === 0) throw lockout('no root would be left, and nobody could change the mesh any more')
  if (!Number.isSafeInteger(threshold) || threshold < 1) throw refused(`a threshold of ${threshold} is none`)
  if (threshold > roots.length) {
    throw lockout(`${threshold} roots would have to sign, and there would be ${roots.length}`)
  }
  if (admins.length === 0) throw lockout('no admin would be left, and nobody could let in or revoke a node')
  if (roots.length > maxKeys || admins.length > maxKeys) {
    throw refused(`${Math.max(roots.length, admins.length)} keys of one role; ${maxKeys} are allowed`)
  }
  if (publishers.length > maxPublishers) {
    throw refused(`${publishers.length} publishers; ${maxPublishers} are allowed`)
  }
}

/** One thing in which two versions differ. */
export type TrustDifference =
  | { readonly what: 'root' | 'admin'; readonly change: 'added' | 'removed'; readonly key: Uint8Array }
  | {
      readonly what: 'publisher'
      readonly change: 'added' | 'removed' | 'changed'
      readonly key: Uint8Array
      readonly before: PublisherEntry | null
      readonly after: PublisherEntry | null
    }
  | { readonly what: 'threshold'; readonly before: number; readonly after: number }
  | { readonly what: 'name'; readonly before: string; readonly after: string }

/** What a version changes, for the person who is asked to sign it. */
export function differences(before: TrustRecord, after: TrustRecord): TrustDifference[] {
  const list: TrustDifference[] = []
  if (before.name !== after.name) list.push({ what: 'name', before: before.name, after: after.name })
  if (before.threshold !== after.threshold)
    list.push({ what: 'threshold', before: before.threshold, after: after.threshold })
  for (const [what, old, next] of [
    ['root', before.roots, after.roots],
    ['admin', before.admins, after.admins],
  ] as const) {
    for (const key of lacking(next, old)) list.push({ what, change: 'added', key })
    for (const key of lacking(old, next)) list.push({ what, change: 'removed', key })
  }
  return [...list, ...publisherDifferences(before, after)]
}

function publisherDifferences(before: TrustRecord, after: TrustRecord): TrustDifference[] {
  const keys = new Map([...before.publishers, ...after.publishers].map(({ key }) => [hexOf(key), key]))
  return [...keys.values()].flatMap((key): TrustDifference[] => {
    const [old, next] = [entryOf(before, key), entryOf(after, key)]
    if (old !== null && next !== null && samePublisher(old, next)) return []
    const change = old === null ? 'added' : next === null ? 'removed' : 'changed'
    return [{ what: 'publisher', change, key, before: old, after: next }]
  })
}

function entryOf({ publishers }: TrustRecord, key: Uint8Array): PublisherEntry | null {
  return publishers.find((entry) => sameBytes(entry.key, key)) ?? null
}

function samePublisher(a: PublisherEntry, b: PublisherEntry): boolean {
  return a.apps.join() === b.apps.join() && a.grants.join() === b.grants.join()
}

/** Those of `keys` that are not in `others`. */
function lacking(keys: readonly Uint8Array[], others: readonly Uint8Array[]): Uint8Array[] {
  return keys.filter((key) => !others.some((other) => sameBytes(other, key)))
}

function sameContent(a: TrustRecord, b: TrustRecord): boolean {
  return differences(a, b).length === 0
}

/** Of these keys, those whose signature the next version can use: roots before it or in it. */
export function usableSigners(
  current: TrustRecord,
  next: TrustRecord,
  keys: readonly KeyPair[],
): readonly KeyPair[] {
  return keys.filter(({ publicKey }) => rootsAmong(current, [publicKey]) + rootsAmong(next, [publicKey]) > 0)
}

function nameOf(key: Uint8Array): string {
  return `${hexOf(key).slice(0, 16)}…`
}

function refused(what: string): Error {
  return identityProblems.error('ERR_TRUST_CHANGE', `the change was not made: ${what}`)
}

function lockout(what: string): Error {
  return identityProblems.error('ERR_TRUST_LOCKOUT', `the change was not made: ${what}`)
}
