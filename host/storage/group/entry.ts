/**
 * One key of a group's map, as a conflict-free replicated type: the writes that nobody has overwritten yet
 * ("siblings"), and what each replica has counted.
 *
 * Two copies of a key are joined by what each side *knows*: a write that one side has not, though its vector counts it,
 * was overwritten there (Almeida, Shoker, Baquero: "Delta State Replicated Data Types", 2018; the store as a whole is
 * close to DottedDB, Gonçalves et al. 2017). So causality decides first. Of several siblings the one with the latest
 * stamp is shown; the others are kept, as a write may come that overwrote only the one that is shown.
 *
 * A count is never overwritten: a write remembers the counts that it saw, and what was counted beyond them is added to
 * it. So no increment is lost, and none that a write has seen counts twice.
 */
import { compareStamps, type Stamp } from './stamp.ts'
import { covers, isAtLeast, noVector, type Vector } from './vector.ts'

/** What one replica has counted on a key. */
export interface Tally {
  readonly replica: string
  /** Of its last increment. */
  readonly counter: number
  /** Of its first one: a tally that was forgotten everywhere begins again with another. */
  readonly life: number
  readonly sum: bigint
}

/** A write that no other one known here has overwritten. */
export interface Sibling {
  readonly replica: string
  readonly counter: number
  readonly stamp: Stamp
  /** null: the key was deleted. */
  readonly value: Uint8Array | null
  /** The tallies as the writer saw them. */
  readonly seen: readonly Tally[]
}

export interface Entry {
  readonly siblings: readonly Sibling[]
  readonly tallies: readonly Tally[]
  /** What is known of this key beyond what is known of all of them. */
  readonly context: Vector
}

export const noEntry: Entry = { siblings: [], tallies: [], context: noVector }

/** An entry, and what the one who has it knows of all keys. */
export interface Known {
  readonly entry: Entry
  readonly vector: Vector
}

/** What both sides together know of a key; of two writes with one name, which only a liar makes, one stands on all nodes. */
export function join(ours: Known, theirs: Known): Entry {
  const context = new Map<string, number>()
  for (const known of [ours.entry.context, theirs.entry.context, theirs.vector]) {
    for (const [replica, counter] of known) {
      if (!covers(ours.vector, replica, counter) && !covers(context, replica, counter)) {
        context.set(replica, counter)
      }
    }
  }
  return {
    siblings: joinSiblings(ours, theirs),
    tallies: joinTallies(ours, theirs),
    context,
  }
}

function knows({ entry, vector }: Known, replica: string, counter: number): boolean {
  return covers(vector, replica, counter) || covers(entry.context, replica, counter)
}

const dotOf = ({ replica, counter }: Sibling): string => `${replica} ${counter}`

function joinSiblings(ours: Known, theirs: Known): Sibling[] {
  const there = new Map(theirs.entry.siblings.map((sibling) => [dotOf(sibling), sibling]))
  const siblings: Sibling[] = []
  for (const sibling of ours.entry.siblings) {
    const twin = there.get(dotOf(sibling))
    there.delete(dotOf(sibling))
    if (twin !== undefined) siblings.push(oneOf(sibling, twin))
    else if (!knows(theirs, sibling.replica, sibling.counter)) siblings.push(sibling)
  }
  for (const sibling of there.values()) {
    if (!knows(ours, sibling.replica, sibling.counter)) siblings.push(sibling)
  }
  return inOrder(siblings)
}

/** The earlier stamp, as only clamping makes a difference; of two values the larger one. */
function oneOf(one: Sibling, other: Sibling): Sibling {
  const order = compareStamps(one.stamp, other.stamp)
  const stamp = order <= 0 ? one.stamp : other.stamp
  return { ...(compareValues(one.value, other.value) >= 0 ? one : other), stamp }
}

function compareValues(one: Uint8Array | null, other: Uint8Array | null): number {
  if (one === null || other === null) return Number(one !== null) - Number(other !== null)
  return Buffer.compare(one, other)
}

function joinTallies(ours: Known, theirs: Known): Tally[] {
  const there = new Map(theirs.entry.tallies.map((tally) => [tally.replica, tally]))
  const tallies: Tally[] = []
  for (const tally of ours.entry.tallies) {
    const twin = there.get(tally.replica)
    there.delete(tally.replica)
    if (twin !== undefined) tallies.push(laterTally(tally, twin))
    else if (!knows(theirs, tally.replica, tally.counter)) tallies.push(tally)
  }
  for (const tally of there.values()) if (!knows(ours, tally.replica, tally.counter)) tallies.push(tally)
  return inOrder(tallies)
}

function laterTally(one: Tally, other: Tally): Tally {
  if (one.counter !== other.counter) return one.counter > other.counter ? one : other
  return one.sum >= other.sum ? one : other
}

/** The one order in which they are kept: two equal entries are written alike. */
export function inOrder<Item extends { replica: string; counter: number }>(items: readonly Item[]): Item[] {
  return [...items].sort(byName)
}

function byName(
  one: { replica: string; counter: number },
  other: { replica: string; counter: number },
): number {
  if (one.replica !== other.replica) return one.replica < other.replica ? -1 : 1
  return one.counter - other.counter
}

/** The sibling that is shown. */
export function winnerOf({ siblings }: Entry): Sibling | null {
  let winner: Sibling | null = null
  for (const sibling of siblings) {
    const order = winner === null ? 1 : compareStamps(sibling.stamp, winner.stamp) || byName(sibling, winner)
    if (order > 0) winner = sibling
  }
  return winner
}

const [leastNumber, mostNumber] = [-(2n ** 63n), 2n ** 63n - 1n]

/**
 * What a reader gets: the winner's value, and where that is a number, or nothing, what was counted beside it.
 * A sum beyond 64 bits, which only increments on several nodes can make, is shown as the last number within them.
 */
export function valueOf(entry: Entry): Uint8Array | null {
  const winner = winnerOf(entry)
  const value = winner?.value ?? null
  const unseen = entry.tallies.filter((tally) => seenOf(winner, tally)?.counter !== tally.counter)
  if (unseen.length === 0) return value
  const base = value === null ? 0n : numberIn(value)
  if (base === null) return value
  let sum = base
  for (const tally of unseen) sum += tally.sum - (seenOf(winner, tally)?.sum ?? 0n)
  const shown = sum < leastNumber ? leastNumber : sum > mostNumber ? mostNumber : sum
  return new TextEncoder().encode(String(shown))
}

function seenOf(winner: Sibling | null, { replica, life }: Tally): Tally | undefined {
  return winner?.seen.find((seen) => seen.replica === replica && seen.life === life)
}

/** What of a tally is in the value that is shown. */
export function seenSum(entry: Entry, tally: Tally): bigint {
  return seenOf(winnerOf(entry), tally)?.sum ?? 0n
}

/** Whether the key was deleted with all of this tally: others may have forgotten both, so it does not go on. */
export function isDeleted(entry: Entry, tally: Tally): boolean {
  const winner = winnerOf(entry)
  return winner !== null && winner.value === null && seenOf(winner, tally)?.counter === tally.counter
}

/** @returns null for what is no whole number of at most 19 digits */
export function numberIn(value: Uint8Array): bigint | null {
  const text = value.length > 20 ? '' : new TextDecoder().decode(value)
  return /^-?\d{1,19}$/.test(text) ? BigInt(text) : null
}

/** Names of all that is in it: a neighbour that knows them all need not be sent it. */
export function dotsOf({ siblings, tallies }: Entry): readonly { replica: string; counter: number }[] {
  return [...siblings, ...tallies]
}

/** Nothing but deletions that saw all there was: it can be forgotten where everybody knows of it. */
export function isDead(entry: Entry): boolean {
  return entry.siblings.every(({ value }) => value === null) && valueOf(entry) === null
}

/** Whether they are one and the same, values included. */
export function isSameEntry(one: Entry, other: Entry): boolean {
  return (
    one.siblings.length === other.siblings.length &&
    one.tallies.length === other.tallies.length &&
    isAtLeast(one.context, other.context) &&
    isAtLeast(other.context, one.context) &&
    one.siblings.every((sibling, at) => isSameSibling(sibling, other.siblings[at])) &&
    one.tallies.every(({ replica, counter, sum }, at) => {
      const twin = other.tallies[at]
      return twin?.replica === replica && twin.counter === counter && twin.sum === sum
    })
  )
}

function isSameSibling(one: Sibling, other: Sibling | undefined): boolean {
  return (
    other !== undefined &&
    dotOf(one) === dotOf(other) &&
    compareStamps(one.stamp, other.stamp) === 0 &&
    compareValues(one.value, other.value) === 0
  )
}
