/**
 * A connection between two virtual nodes, as TCP would be: what one side sends arrives whole and in order, late where
 * a piece was lost and sent again, or the connection breaks. All channels of two nodes share it.
 */
import type { Clock } from '../../core/index.ts'
import type { NodeId } from '../../mesh/transport/index.ts'
import { Pipe } from './pipe.ts'
import type { SeededRandom } from './random.ts'
import type { SimChannel } from './sim-channel.ts'
import type { SimTransport } from './sim-transport.ts'

/** How a link between two nodes is; the same both ways. */
export interface WireQuality {
  /** One way, uniform between the two. */
  readonly minLatencyMs: number
  readonly maxLatencyMs: number
  /** Bytes per second and direction, beside what the nodes' own lines allow. */
  readonly bytesPerSecond: number
  /** Chance that a frame is delayed by a retransmission, so long; what comes after it waits behind it. */
  readonly resendChance: number
  readonly resendMs: number
  /** Chance per frame that the connection breaks in the middle of it. */
  readonly breakChance: number
}

export const perfectWire: WireQuality = {
  minLatencyMs: 1,
  maxLatencyMs: 1,
  bytesPerSecond: Number.POSITIVE_INFINITY,
  resendChance: 0,
  resendMs: 0,
  breakChance: 0,
}

/** What takes its turn on a line at once: several frames share a line, and a large one does not keep it. */
const pieceBytes = 16 * 1024
/** The length before each frame. */
export const frameOverheadBytes = 4

/** One direction. */
interface Way {
  readonly pipe: Pipe
  lastArrivalMs: number
  /** Pieces that a partition keeps from arriving, in order; they arrive when it heals in time. */
  readonly held: (() => void)[]
}

export interface ConnectionParts {
  readonly clock: Clock
  readonly random: SeededRandom
  readonly quality: WireQuality
  readonly isSplit: (a: NodeId, b: NodeId) => boolean
}

export class SimConnection {
  readonly #parts: ConnectionParts
  readonly ends: readonly [SimTransport, SimTransport]
  readonly #ways: readonly [Way, Way]
  readonly #open: [boolean, boolean] = [true, true]
  readonly channels: readonly [Set<SimChannel>, Set<SimChannel>] = [new Set(), new Set()]

  constructor(parts: ConnectionParts, ends: readonly [SimTransport, SimTransport]) {
    this.#parts = parts
    this.ends = ends
    const way = (): Way => ({
      pipe: new Pipe(parts.clock, parts.quality.bytesPerSecond),
      lastArrivalMs: 0,
      held: [],
    })
    this.#ways = [way(), way()]
  }

  sideOf(transport: SimTransport): 0 | 1 {
    return this.ends[0] === transport ? 0 : 1
  }

  isOpenAt(side: 0 | 1): boolean {
    return this.#open[side]
  }

  /**
   * Brings so many bytes to the other side. `arrived` is not called where the connection is gone by then.
   * @param flow whose pieces stay in order and take turns with others
   */
  carry(side: 0 | 1, flow: object, sizeBytes: number, arrived: () => void): void {
    const { random, quality } = this.#parts
    if (sizeBytes > 0 && random.chance(quality.breakChance)) return this.break('the connection was reset')
    const isResent = sizeBytes > 0 && random.chance(quality.resendChance)
    const isNarrow = [this.ends[side].uplink, this.#ways[side].pipe, this.ends[other(side)].downlink].some(
      ({ bytesPerSecond }) => bytesPerSecond !== Number.POSITIVE_INFINITY,
    )
    const pieces = isNarrow ? Math.max(1, Math.ceil(sizeBytes / pieceBytes)) : 1
    for (let at = 0; at < pieces; at++) {
      const size = at < pieces - 1 ? pieceBytes : sizeBytes - at * pieceBytes
      const extraMs = isResent && at === 0 ? quality.resendMs : 0
      this.#carryPiece(
        side,
        flow,
        isNarrow ? size : sizeBytes,
        extraMs,
        at === pieces - 1 ? arrived : () => {},
      )
    }
  }

  /** Both sides notice at once. */
  break(reason: string): void {
    for (const side of [0, 1] as const) this.closeAt(side, reason)
  }

  /** One side hangs up; the other notices when word of it arrives. */
  hangUp(side: 0 | 1, reason: string): void {
    this.carry(side, this, 0, () => this.closeAt(other(side), 'the peer hung up'))
    this.closeAt(side, reason)
  }

  closeAt(side: 0 | 1, reason: string): void {
    if (!this.#open[side]) return
    this.#open[side] = false
    for (const channel of this.channels[side]) channel.lost()
    this.channels[side].clear()
    this.ends[side].lost(this, reason)
  }

  /** What a partition held back goes on its way. */
  release(): void {
    for (const way of this.#ways) for (const arrive of way.held.splice(0)) arrive()
  }

  #carryPiece(side: 0 | 1, flow: object, sizeBytes: number, extraMs: number, arrived: () => void): void {
    const way = this.#ways[side]
    const { clock } = this.#parts
    const land = (): void => {
      // What was sent before a side hung up still arrives.
      if (this.#open[other(side)]) this.ends[other(side)].downlink.push(flow, sizeBytes, arrived)
    }
    const fly = (): void => {
      const dueMs = Math.max(way.lastArrivalMs, clock.monotonicMs() + this.#latencyMs() + extraMs)
      way.lastArrivalMs = dueMs
      clock.after(dueMs - clock.monotonicMs(), () => {
        const isSplit = this.#parts.isSplit(this.ends[0].self, this.ends[1].self)
        if (isSplit || way.held.length > 0) way.held.push(land)
        else land()
      })
    }
    this.ends[side].uplink.push(flow, sizeBytes, () => way.pipe.push(flow, sizeBytes, fly))
  }

  #latencyMs(): number {
    const { minLatencyMs, maxLatencyMs } = this.#parts.quality
    return minLatencyMs + this.#parts.random.fraction() * (maxLatencyMs - minLatencyMs)
  }
}

function other(side: 0 | 1): 0 | 1 {
  return side === 0 ? 1 : 0
}
