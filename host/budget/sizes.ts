/**
 * What the shares of a budget mean for the parts of the node: how large their heaps, caches and queues may be. Each is
 * what it is on a large machine (the numbers beside `Math.min`), or less where its share is smaller. None is less than
 * what does its work at all (beside `Math.max`), be its share smaller than that: in a small budget the bounds of heaps
 * come to more than their shares, and docs/small-devices.md says by how much.
 */
import type { MemoryBudget } from './budget.ts'

const kib = 1024
const mib = 1024 * kib

/** A Node.js process before it does anything: its program and its own heap. */
const bareProcessBytes = 16 * mib
/** What a line of an app's log takes in memory, of 200 characters on average. */
const logLineBytes = 512
/** An event with its payload, as most are: readings, edges, ticks. */
const eventBytes = 1 * kib
/** Apps that have their queue full at one time. */
const fullQueues = 8

export interface NodeSizes {
  /** JavaScript heap of the child that prepares components, MiB. */
  readonly prepareHeapMb: number
  /** Each linear memory of its transpiler, in pages of 64 KiB. */
  readonly preparePages: number
  /** JavaScript heap of a sandbox, MiB. */
  readonly sandboxHeapMb: number
  /** Sandboxes of each kind that are started beforehand. */
  readonly spares: number
  /** JavaScript heap of each thread that has stores open, MiB. */
  readonly storageHeapMb: number
  /** Pages of a store that SQLite keeps in memory, KiB for each file. */
  readonly storePagesKb: number
  /** Verified chunks kept in memory for neighbours, bytes. */
  readonly recentChunkBytes: number
  /** Lines of the apps' logs in memory. */
  readonly logLines: number
  /** Events that wait in memory for one app. */
  readonly queuedEvents: number
}

export function sizesOf({ shares }: MemoryBudget): NodeSizes {
  const preparing = shares.preparing - bareProcessBytes
  return {
    // Both are seldom full at once: of what the child takes the output is the larger part in the end, and the
    // transpiler's own memory in between.
    prepareHeapMb: Math.min(512, Math.max(24, Math.floor((preparing * 0.6) / mib))),
    preparePages: Math.min(16_384, Math.max(512, Math.floor((preparing * 0.8) / (64 * kib)))),
    sandboxHeapMb: Math.min(64, Math.max(16, Math.floor(shares.apps / 4 / mib))),
    spares: shares.spares >= 10 * mib ? 1 : 0,
    storageHeapMb: Math.min(64, Math.max(16, Math.floor(shares.storage / 3 / mib))),
    storePagesKb: Math.min(1_024, Math.max(64, Math.floor(shares.storage / 32 / kib))),
    recentChunkBytes: Math.min(4 * mib, Math.floor(shares.caches / 4)),
    logLines: Math.min(1_000_000, Math.floor(shares.queues / 2 / logLineBytes)),
    queuedEvents: Math.min(65_536, Math.floor(shares.queues / 2 / eventBytes / fullQueues)),
  }
}
