/** What the instances of a pool have used, those that are gone included. */
import type { Clock } from '../../../core/index.ts'
import type { PoolUsage, Sandbox, SandboxUsage } from '../contract.ts'

/** An instance of the pool. */
export class Member {
  readonly sandbox: Sandbox
  /** How many calls had come when it became ready: for later ones it is warm. */
  readonly callsBefore: number
  /** Of its memory, when that was last looked at. */
  memoryBytes: number

  constructor(sandbox: Sandbox, callsBefore: number) {
    this.sandbox = sandbox
    this.callsBefore = callsBefore
    this.memoryBytes = sandbox.usage.memoryBytes
  }
}

export class PoolMeter {
  readonly #clock: Clock
  readonly #members: Map<number, Member>
  /** Of instances that are gone. */
  readonly #past: PoolUsage = {
    calls: 0,
    errors: 0,
    activeMs: 0,
    bytesIn: 0,
    bytesOut: 0,
    dropped: 0,
    memoryBytes: 0,
    memoryByteSeconds: 0,
    warmStarts: 0,
    newStarts: 0,
  }
  #meteredAtMs: number
  /** When the last call ended. */
  #workedAtMs: number

  /** @param members filled and emptied here */
  constructor(clock: Clock, members: Map<number, Member>) {
    this.#clock = clock
    this.#members = members
    this.#meteredAtMs = clock.monotonicMs()
    this.#workedAtMs = this.#meteredAtMs
  }

  /** @returns a record of its own */
  sum(): PoolUsage {
    this.#advance(this.#clock.monotonicMs())
    const sum = { ...this.#past }
    for (const { sandbox } of this.#members.values()) {
      add(sum, sandbox.usage)
      sum.memoryBytes += sandbox.usage.memoryBytes
    }
    return sum
  }

  joined(id: number, member: Member): void {
    this.#advance(this.#clock.monotonicMs())
    this.#members.set(id, member)
  }

  left(id: number): void {
    this.#advance(this.#clock.monotonicMs())
    const member = this.#members.get(id)
    this.#members.delete(id)
    if (member !== undefined) add(this.#past, member.sandbox.usage)
  }

  /** A call was given to an instance. */
  begun(isWarm: boolean): void {
    this.#past[isWarm ? 'warmStarts' : 'newStarts'] += 1
  }

  /** A call has ended. Memory changes with calls only, so that what has not changed need not be added up each time. */
  worked(id: number, nowMs: number): void {
    const member = this.#members.get(id)
    if (member !== undefined && member.memoryBytes !== member.sandbox.usage.memoryBytes) this.#advance(nowMs)
    this.#workedAtMs = nowMs
  }

  /** What a memory has come to by the end of a call, it counts as having taken since the end of the one before. */
  #advance(nowMs: number): void {
    this.#countTo(Math.max(this.#meteredAtMs, this.#workedAtMs))
    for (const member of this.#members.values()) member.memoryBytes = member.sandbox.usage.memoryBytes
    this.#countTo(nowMs)
  }

  #countTo(atMs: number): void {
    let bytes = 0
    for (const { memoryBytes } of this.#members.values()) bytes += memoryBytes
    this.#past.memoryByteSeconds += (bytes * (atMs - this.#meteredAtMs)) / 1_000
    this.#meteredAtMs = atMs
  }
}

/** All but the memory, which is of now. */
function add(sum: SandboxUsage, usage: Readonly<SandboxUsage>): void {
  sum.calls += usage.calls
  sum.errors += usage.errors
  sum.activeMs += usage.activeMs
  sum.bytesIn += usage.bytesIn
  sum.bytesOut += usage.bytesOut
  sum.dropped += usage.dropped
}
