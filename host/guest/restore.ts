/**
 * Fresh semantics without a fresh instance: what a new instance holds is kept as an image, and put back after a
 * call. Prepare has made the state of each core module reachable (`engine/core-state.ts`) and left out
 * modules for which memory and globals are not all there is.
 *
 * Comparing before writing was measured and is no faster (64 KiB to 16 MiB), so everything is written: filling with
 * zeros costs two thirds of copying, and most of a new memory is zero. Only the rest is kept.
 */

/** One resource type's handles, as the glue tells them (`engine/glue-rewrites.ts`). */
export interface HandleTable {
  /** Handles that the guest holds now. */
  open(): number
  /** Makes it the table of a new instance. */
  reset(): void
}

/** Filled while the component is instantiated, in the order its types are declared. */
export type HandleTables = readonly HandleTable[]

export interface ImageNeeds {
  /** Every core instance of one component, just made; its start functions have run and no export was called. */
  readonly instances: readonly WebAssembly.Instance[]
  /** The prepared entry's `restore`: what the names of exported state begin with. */
  readonly prefix: string
  readonly tables: HandleTables
  /** Larger memories (together, in bytes) get no image: it would cost that much again. */
  readonly maxBytes: number
}

export interface Image {
  /** What the image itself takes, in bytes: what was not zero. */
  readonly sizeBytes: number
  /** Whether `restore` would succeed: no memory has grown, no handle is open. */
  canRestore(): boolean
  /**
   * Puts back what the instances held when the image was taken. Never after a trap or any other throw: what the host
   * holds for them is then unknown. @returns false, having changed nothing, where `canRestore` is false
   */
  restore(): boolean
}

interface Span {
  readonly begin: number
  readonly end: number
  /** null where all is zero. */
  readonly bytes: Uint8Array | null
}

interface MemoryImage {
  readonly memory: WebAssembly.Memory
  readonly spans: readonly Span[]
  bytes: Uint8Array
}

interface GlobalImage {
  readonly global: WebAssembly.Global
  readonly value: number | bigint
}

/** What is told apart as zero or not. Smaller blocks make more spans, each with the price of a call. */
const blockBytes = 4_096

/** @returns null where there is something that cannot be put back */
export function takeImage({ instances, prefix, tables, maxBytes }: ImageNeeds): Image | null {
  const memories = new Set<WebAssembly.Memory>()
  const globals = new Set<WebAssembly.Global>()
  for (const instance of instances) {
    for (const [name, item] of Object.entries(instance.exports)) {
      if (!name.startsWith(prefix)) continue
      if (item instanceof WebAssembly.Memory) memories.add(item)
      if (item instanceof WebAssembly.Global) globals.add(item)
    }
  }
  const globalImages = [...globals].map(globalImage)
  const sizeBytes = [...memories].reduce((sum, memory) => sum + memory.buffer.byteLength, 0)
  // JavaScript does not keep the payload of a NaN.
  if (sizeBytes > maxBytes || globalImages.some(({ value }) => Number.isNaN(value))) return null
  return new InstanceImage([...memories].map(memoryImage), globalImages, tables)
}

class InstanceImage implements Image {
  readonly #memories: readonly MemoryImage[]
  readonly #globals: readonly GlobalImage[]
  readonly #tables: HandleTables

  constructor(memories: readonly MemoryImage[], globals: readonly GlobalImage[], tables: HandleTables) {
    this.#memories = memories
    this.#globals = globals
    this.#tables = tables
  }

  get sizeBytes(): number {
    const spans = this.#memories.flatMap((memory) => memory.spans)
    return spans.reduce((sum, { bytes }) => sum + (bytes?.length ?? 0), 0)
  }

  canRestore(): boolean {
    // A memory that grew has a buffer of its own, and the old one no length.
    for (const { memory, bytes } of this.#memories) if (memory.buffer !== bytes.buffer) return false
    for (const table of this.#tables) if (table.open() > 0) return false
    return true
  }

  restore(): boolean {
    if (!this.canRestore()) return false
    for (const { spans, bytes: memory } of this.#memories) {
      for (const { begin, end, bytes } of spans) {
        if (bytes === null) memory.fill(0, begin, end)
        else memory.set(bytes, begin)
      }
    }
    for (const { global, value } of this.#globals) global.value = value
    for (const table of this.#tables) table.reset()
    return true
  }
}

function globalImage(global: WebAssembly.Global): GlobalImage {
  return { global, value: global.value as number | bigint }
}

function memoryImage(memory: WebAssembly.Memory): MemoryImage {
  const bytes = new Uint8Array(memory.buffer)
  const spans: Span[] = []
  for (let begin = 0; begin < bytes.length;) {
    const isZero = isZeroBlock(bytes, begin)
    let end = begin + blockBytes
    while (end < bytes.length && isZeroBlock(bytes, end) === isZero) end += blockBytes
    spans.push({ begin, end, bytes: isZero ? null : bytes.slice(begin, end) })
    begin = end
  }
  return { memory, spans, bytes }
}

/** Memories are whole pages of 64 KiB, so blocks are whole and words aligned. */
function isZeroBlock(bytes: Uint8Array, begin: number): boolean {
  const words = new BigInt64Array(bytes.buffer, begin, blockBytes / 8)
  return words.every((word) => word === 0n)
}
