/**
 * Finds what two nodes hold differently, from their trees, in bytes that grow with the difference.
 *
 * The side that begins sends the fingerprints of the sixteen parts of its tree. The other answers, for each part that
 * differs, with the fingerprints of that part's parts, or, where few heads are in it, of the heads themselves; and so in
 * turn. Who is sent a leaf announces what the other lacks and asks what those heads are that it does not know itself.
 *
 * Nothing is remembered between two messages: each carries its salt and its prefixes, and an answer's prefixes are longer
 * than the question's, so that no conversation is endless and a hostile one takes no memory. Both sides may go on
 * changing meanwhile: what one message says is true of one moment, and what it misses the next comparison finds.
 */
import type { Random } from '../../core/index.ts'
import type { Head, HeadId } from './head.ts'
import { fanOut, fingerprintBytes, headFingerprint, leafSize, maxDepth, type HeadTree } from './head-tree.ts'
import { messageLimits, type Part } from './message.ts'

/** What one side says of its own tree. */
export interface View {
  /** The sixteen parts of subtrees. */
  readonly branches: readonly Part[]
  /** All the heads under a prefix. */
  readonly leaves: readonly Part[]
}

/** How many heads one answer announces at most, and where it begins, so that no head is always cut off. */
export interface Announcing {
  readonly limit: number
  readonly random: Random
}

/** What the first message of a comparison says. */
export function opening(tree: HeadTree, salt: Uint8Array): View {
  return viewOf(tree, salt, [''])
}

/**
 * What to say about a neighbour's branches: where they differ, what is here one digit deeper; where it has nothing, the
 * heads themselves.
 */
export function answerBranches(
  tree: HeadTree,
  salt: Uint8Array,
  branches: readonly Part[],
  announcing: Announcing,
): { view: View; ahead: HeadId[] } {
  const different: string[] = []
  const lacking: string[] = []
  for (const { prefix, fingerprints } of branches) {
    const ours = tree.fingerprints(prefix, salt)
    for (let digit = 0; digit < fanOut; digit++) {
      const theirs = partOf(fingerprints, digit)
      if (isSame(partOf(ours, digit), theirs)) continue
      if (isSame(theirs, noHeads)) lacking.push(prefix + digit.toString(16))
      else different.push(prefix + digit.toString(16))
    }
  }
  const ahead: HeadId[] = []
  for (const prefix of turned(lacking, announcing.random)) {
    for (const head of turned(tree.headsUnder(prefix), announcing.random)) {
      if (ahead.length < announcing.limit) ahead.push(idOf(head))
    }
    if (ahead.length >= announcing.limit) break
  }
  return { view: viewOf(tree, salt, different), ahead }
}

/** What a neighbour's leaves tell: heads that it lacks or has in other versions, and fingerprints of heads unknown here. */
export function answerLeaves(
  tree: HeadTree,
  salt: Uint8Array,
  leaves: readonly Part[],
  { limit, random }: Announcing,
): { ahead: HeadId[]; unknown: Part[] } {
  const ahead: HeadId[] = []
  const unknown: Part[] = []
  for (const { prefix, fingerprints } of turned(leaves, random)) {
    const theirs = new Set(namesOf(fingerprints))
    for (const head of turned(tree.headsUnder(prefix), random)) {
      if (theirs.size === 0 && ahead.length >= limit) break
      const isKnownThere = theirs.size > 0 && theirs.delete(nameOf(headFingerprint(head, salt)))
      if (!isKnownThere && ahead.length < limit) ahead.push(idOf(head))
    }
    if (theirs.size > 0) unknown.push({ prefix, fingerprints: joined([...theirs]) })
  }
  return { ahead, unknown }
}

/** The heads that a neighbour asked for by their fingerprints; only under prefixes that were, or nearly were, leaves. */
export function resolve(tree: HeadTree, salt: Uint8Array, asked: readonly Part[]): HeadId[] {
  return asked.flatMap(({ prefix, fingerprints }) => {
    if (tree.countUnder(prefix) > maxResolved) return []
    const wanted = new Set(namesOf(fingerprints))
    return tree
      .headsUnder(prefix)
      .filter((head) => wanted.has(nameOf(headFingerprint(head, salt))))
      .map(idOf)
  })
}

/** A leaf may have grown since it was told of. */
const maxResolved = 4 * leafSize

function viewOf(tree: HeadTree, salt: Uint8Array, prefixes: readonly string[]): View {
  const branches: Part[] = []
  const leaves: Part[] = []
  for (const prefix of prefixes) {
    if (tree.countUnder(prefix) > leafSize && prefix.length < maxDepth) {
      branches.push({ prefix, fingerprints: tree.fingerprints(prefix, salt) })
    } else {
      const heads = tree.headsUnder(prefix).slice(0, messageLimits.fingerprintsPerLeaf)
      const names = heads.map((head) => nameOf(headFingerprint(head, salt)))
      leaves.push({ prefix, fingerprints: joined(names) })
    }
  }
  return { branches, leaves }
}

/** Beginning somewhere. */
function turned<T>(list: readonly T[], random: Random): readonly T[] {
  const start = Math.floor(random.fraction() * list.length)
  return start === 0 ? list : [...list.slice(start), ...list.slice(0, start)]
}

const noHeads = new Uint8Array(fingerprintBytes)

function partOf(fingerprints: Uint8Array, digit: number): Uint8Array {
  return fingerprints.subarray(digit * fingerprintBytes, (digit + 1) * fingerprintBytes)
}

function isSame(a: Uint8Array, b: Uint8Array): boolean {
  return a.every((byte, at) => byte === b[at])
}

function namesOf(fingerprints: Uint8Array): string[] {
  const names: string[] = []
  for (let at = 0; at < fingerprints.length; at += fingerprintBytes) {
    names.push(nameOf(fingerprints.subarray(at, at + fingerprintBytes)))
  }
  return names
}

function nameOf(fingerprint: Uint8Array): string {
  return Buffer.from(fingerprint.buffer, fingerprint.byteOffset, fingerprint.length).toString('latin1')
}

function joined(names: readonly string[]): Uint8Array {
  return new Uint8Array(Buffer.from(names.join(''), 'latin1'))
}

function idOf({ key, order, digest }: Head): HeadId {
  return { key, order, digest }
}
