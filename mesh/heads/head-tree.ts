/**
 * What a node holds, as a Merkle tree over the hashes of the keys, so that two nodes find where they differ by looking
 * only at what differs (Merkle 1987; as in Dynamo and Cassandra, here with a shape that depends on nothing but the set).
 *
 * A subtree of at most {@link leafSize} heads is a leaf, so two nodes with the same heads under a prefix have the same
 * digest there, whatever else they hold. Digests inside are whole SHA-256s. What goes over the wire is cut to eight
 * bytes and salted anew for every comparison: to make two subtrees look alike, an attacker would have to know the salt
 * when it makes its records.
 */
import { createHash } from 'node:crypto'
import type { Digest } from '../../core/index.ts'
import type { Head } from './head.ts'

/** Children of a branch: one for each hexadecimal digit. */
export const fanOut = 16
/** More heads than this under one prefix are split by the next digit. */
export const leafSize = 16
/** Digits of a key's hash that place it. To crowd a place of so many takes about 2^64 hashes for each key. */
export const maxDepth = 16
export const fingerprintBytes = 8
export const saltBytes = 16

interface Entry {
  readonly place: string
  head: Head
}

interface Leaf {
  /** By place, then key. */
  readonly entries: Entry[]
  digest: Uint8Array | null
}

interface Branch {
  readonly children: (Leaf | Branch | null)[]
  count: number
  digest: Uint8Array | null
}

type Node = Leaf | Branch

const nothing = new Uint8Array(32)

export class HeadTree {
  #root: Node = { entries: [], digest: null }

  get size(): number {
    return countOf(this.#root)
  }

  /** Of everything. Costs a few hashes for each change since the last time. */
  digest(): Digest {
    return Buffer.from(digestOf(this.#root)).toString('hex')
  }

  /** Adds a head, or replaces the one of its key. */
  set(head: Head): void {
    this.#root = put(this.#root, { place: placeOf(head.key), head }, 0)
  }

  delete(key: string): void {
    this.#root = take(this.#root, placeOf(key), key, 0)
  }

  /** How many heads have a place that starts with `prefix`. */
  countUnder(prefix: string): number {
    return countOf(this.#find(prefix))
  }

  /** In the order of their places. */
  headsUnder(prefix: string): Head[] {
    return entriesOf(this.#find(prefix)).map(({ head }) => head)
  }

  /** Salted fingerprints of the sixteen parts of a subtree; zeros where there is nothing. */
  fingerprints(prefix: string, salt: Uint8Array): Uint8Array {
    const node = this.#find(prefix)
    const all = new Uint8Array(fanOut * fingerprintBytes)
    for (let digit = 0; digit < fanOut; digit++) {
      const child = childOf(node, digit, prefix.length)
      if (countOf(child) > 0) all.set(fingerprintOf(salt, digestOf(child)), digit * fingerprintBytes)
    }
    return all
  }

  #find(prefix: string): Node {
    let node = this.#root
    for (let depth = 0; depth < prefix.length; depth++) {
      node = childOf(node, digitAt(prefix, depth), depth)
    }
    return node
  }
}

/** Salted fingerprint of one version of one head. */
export function headFingerprint(head: Head, salt: Uint8Array): Uint8Array {
  return createHash('sha256').update(salt).update(lineOf(head)).digest().subarray(0, fingerprintBytes)
}

function fingerprintOf(salt: Uint8Array, digest: Uint8Array): Uint8Array {
  return createHash('sha256').update(salt).update(digest).digest().subarray(0, fingerprintBytes)
}

function placeOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, maxDepth)
}

/** No key holds a space, see `isHeadKey`. */
function lineOf({ key, order, digest }: Head): string {
  return `${key} ${order[0]} ${order[1]} ${digest}\n`
}

function digitAt(place: string, depth: number): number {
  return Number.parseInt(place.charAt(depth), 16)
}

function isLeaf(node: Node): node is Leaf {
  return 'entries' in node
}

function countOf(node: Node): number {
  return isLeaf(node) ? node.entries.length : node.count
}

function entriesOf(node: Node): Entry[] {
  if (isLeaf(node)) return node.entries
  return node.children.flatMap((child) => (child === null ? [] : entriesOf(child)))
}

/** A leaf has no children; what would be one is as good. */
function childOf(node: Node, digit: number, depth: number): Node {
  if (!isLeaf(node)) return node.children[digit] ?? { entries: [], digest: null }
  const entries = node.entries.filter(({ place }) => digitAt(place, depth) === digit)
  return { entries, digest: null }
}

function digestOf(node: Node): Uint8Array {
  node.digest ??= isLeaf(node) ? leafDigest(node.entries) : branchDigest(node.children)
  return node.digest
}

/** The first byte tells leaves from branches, so that neither can be passed off as the other. */
function leafDigest(entries: readonly Entry[]): Uint8Array {
  const hash = createHash('sha256').update('L')
  for (const { head } of entries) hash.update(lineOf(head))
  return hash.digest()
}

function branchDigest(children: readonly (Node | null)[]): Uint8Array {
  const hash = createHash('sha256').update('B')
  for (const child of children) hash.update(child === null ? nothing : digestOf(child))
  return hash.digest()
}

function put(node: Node, entry: Entry, depth: number): Node {
  node.digest = null
  if (!isLeaf(node)) {
    const digit = digitAt(entry.place, depth)
    const child = node.children[digit] ?? { entries: [], digest: null }
    const before = countOf(child)
    const next = put(child, entry, depth + 1)
    node.children[digit] = next
    node.count += countOf(next) - before
    return node
  }
  const at = node.entries.findIndex((other) => !isBefore(other, entry))
  const there = node.entries[at]
  if (there === undefined) node.entries.push(entry)
  else if (there.head.key === entry.head.key) there.head = entry.head
  else node.entries.splice(at, 0, entry)
  return node.entries.length > leafSize && depth < maxDepth ? split(node.entries, depth) : node
}

function split(entries: readonly Entry[], depth: number): Branch {
  const branch: Branch = { children: Array.from({ length: fanOut }, () => null), count: 0, digest: null }
  for (const entry of entries) put(branch, entry, depth)
  return branch
}

function take(node: Node, place: string, key: string, depth: number): Node {
  node.digest = null
  if (isLeaf(node)) {
    const at = node.entries.findIndex(({ head }) => head.key === key)
    if (at !== -1) node.entries.splice(at, 1)
    return node
  }
  const digit = digitAt(place, depth)
  const child = node.children[digit] ?? null
  if (child === null) return node
  const before = countOf(child)
  const next = take(child, place, key, depth + 1)
  node.children[digit] = countOf(next) === 0 ? null : next
  node.count += countOf(next) - before
  // The shape must not remember what was there.
  return node.count > leafSize ? node : { entries: entriesOf(node), digest: null }
}

function isBefore(a: Entry, b: Entry): boolean {
  return a.place < b.place || (a.place === b.place && a.head.key < b.head.key)
}
