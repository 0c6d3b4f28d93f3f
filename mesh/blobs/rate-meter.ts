/** Bytes per second over the last second, in slots of a quarter. Pure: every call is handed the time, monotonic ms. */

const slotMs = 250
const slots = 4

export class RateMeter {
  readonly #bytes: number[] = Array.from({ length: slots }, () => 0)
  #slot = 0
  #totalBytes = 0
  #startedAt: number | null = null

  get totalBytes(): number {
    return this.#totalBytes
  }

  add(bytes: number, now: number): void {
    this.#turn(now)
    this.#startedAt ??= now
    this.#totalBytes += bytes
    this.#bytes[this.#slot % slots] = (this.#bytes[this.#slot % slots] ?? 0) + bytes
  }

  /** 0 before anything came, and a second after the last of it. */
  bytesPerSecond(now: number): number {
    this.#turn(now)
    if (this.#startedAt === null) return 0
    const sum = this.#bytes.reduce((total, bytes) => total + bytes, 0)
    // The first moments are no whole second; the newest slot is not over.
    const fullMs = slotMs * (slots - 1) + (now - this.#slot * slotMs)
    const spanMs = Math.min(fullMs, Math.max(slotMs, now - this.#startedAt))
    return (sum / spanMs) * 1_000
  }

  #turn(now: number): void {
    const slot = Math.floor(now / slotMs)
    if (slot <= this.#slot) return
    const passed = Math.min(slots, slot - this.#slot)
    for (let back = 0; back < passed; back++) this.#bytes[(slot - back) % slots] = 0
    if (passed === slots) this.#startedAt = null
    this.#slot = slot
  }
}
