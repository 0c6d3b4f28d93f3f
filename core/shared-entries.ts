/**
 * Entries in memory that threads share: one of them writes, any number read, and nobody waits for anybody.
 *
 * One sequence number guards all of it: odd while the writer is at work, another one afterwards. A reader that finds it
 * the same before and after has seen one state. Every word is written and read atomically, as the memory model of
 * JavaScript orders nothing else: a plain read may come after the look at the number that should have been behind it.
 * What readers do to the memory harms readers alone: the writer keeps its own account of where things are.
 */
export interface SharedEntry {
  readonly key: string
  /** null: there is none. */
  readonly value: Uint8Array | null
  readonly version: number
}

export interface FoundEntry {
  /** Undefined where the key is not set. */
  readonly value: Uint8Array | undefined
  /** 0 where the key is not set. */
  readonly version: number
}

interface SlotClass {
  readonly words: number
  readonly sets: number
  readonly ways: number
  /** First word of the first slot. */
  readonly at: number
}

const cells = { sequence: 0, closed: 1, count: 16 } as const
const small = { words: 64, sets: 256, ways: 4, at: cells.count }
const large = { words: 1_024, sets: 32, ways: 2, at: cells.count + small.words * small.sets * small.ways }
const classes: readonly SlotClass[] = [small, large]
const slotHead = {
  state: 0,
  hash: 1,
  keyBytes: 2,
  valueBytes: 3,
  versionLow: 4,
  versionHigh: 5,
  count: 6,
} as const
const states = { empty: 0, set: 1, unset: 2 } as const
const allWords = large.at + large.words * large.sets * large.ways
/** Of UTF-8; longer keys are not kept. */
const maxKeyBytes = 512
/** A reader that met the writer so often asks elsewhere. */
const maxTries = 4

/** Half a megabyte, of which the machine gives only what is used. */
export function sharedEntriesMemory(): Int32Array<SharedArrayBuffer> {
  return new Int32Array(new SharedArrayBuffer(allWords * 4))
}

export class SharedEntriesWriter {
  readonly #words: Int32Array
  readonly #key = new KeyWords()
  readonly #value = new Int32Array(large.words)
  readonly #valueBytes = new Uint8Array(this.#value.buffer)
  /** First words of slots by key, and the other way round. */
  readonly #places = new Map<string, number>()
  readonly #keys = new Map<number, string>()
  #turn = 0

  constructor(words: Int32Array) {
    this.#words = words
  }

  /** Readers see all of these or none. What is too large is no longer there, which says nothing of whether it is set. */
  put(entries: readonly SharedEntry[]): void {
    if (entries.length === 0) return
    Atomics.add(this.#words, cells.sequence, 1)
    for (const entry of entries) this.#put(entry)
    Atomics.add(this.#words, cells.sequence, 1)
  }

  clear(): void {
    Atomics.add(this.#words, cells.sequence, 1)
    for (const at of this.#keys.keys()) Atomics.store(this.#words, at + slotHead.state, states.empty)
    this.#places.clear()
    this.#keys.clear()
    Atomics.add(this.#words, cells.sequence, 1)
  }

  close(): void {
    closeSharedEntries(this.#words)
  }

  #put({ key, value, version }: SharedEntry): void {
    const before = this.#places.get(key)
    const isKept = this.#key.read(key)
    const valueBytes = value?.length ?? 0
    const words = slotHead.count + this.#key.words + Math.ceil(valueBytes / 4)
    const slots = isKept ? classes.find((candidate) => words <= candidate.words) : undefined
    if (before !== undefined && (slots === undefined || !isIn(before, slots))) this.#drop(key, before)
    if (slots === undefined) return
    const at = this.#places.get(key) ?? this.#place(key, slots)
    const write = (word: number, number: number): void => void Atomics.store(this.#words, at + word, number)
    write(slotHead.state, value === null ? states.unset : states.set)
    write(slotHead.hash, this.#key.hash)
    write(slotHead.keyBytes, this.#key.bytes)
    write(slotHead.valueBytes, valueBytes)
    write(slotHead.versionLow, version | 0)
    write(slotHead.versionHigh, Math.floor(version / 2 ** 32))
    for (let word = 0; word < this.#key.words; word += 1) write(slotHead.count + word, this.#key.word(word))
    if (value === null) return
    this.#valueBytes.set(value)
    const valueAt = slotHead.count + this.#key.words
    for (let word = 0; word < Math.ceil(valueBytes / 4); word += 1)
      write(valueAt + word, this.#value[word] ?? 0)
  }

  #drop(key: string, at: number): void {
    Atomics.store(this.#words, at + slotHead.state, states.empty)
    this.#places.delete(key)
    this.#keys.delete(at)
  }

  /** A free slot, or one that somebody has to leave, each in its turn. */
  #place(key: string, slots: SlotClass): number {
    const first = slots.at + setOf(this.#key.hash, slots) * slots.ways * slots.words
    const ways = Array.from({ length: slots.ways }, (_, way) => first + way * slots.words)
    let at = ways.find((candidate) => !this.#keys.has(candidate))
    if (at === undefined) {
      this.#turn += 1
      at = first + (this.#turn % slots.ways) * slots.words
      this.#drop(this.#keys.get(at) ?? '', at)
    }
    this.#places.set(key, at)
    this.#keys.set(at, key)
    return at
  }
}

export class SharedEntriesReader {
  readonly #words: Int32Array
  readonly #key = new KeyWords()
  readonly #value = new Int32Array(large.words)
  readonly #valueBytes = new Uint8Array(this.#value.buffer)

  constructor(words: Int32Array) {
    this.#words = words
  }

  /** Nobody writes to it any more; what is in it may be of long ago. */
  get isClosed(): boolean {
    return Atomics.load(this.#words, cells.closed) !== 0
  }

  /** @returns null where it is not known here */
  find(key: string): FoundEntry | null {
    return this.#consistently(() => this.#find(key))
  }

  /** All of one moment. @returns null where one of them is not known here */
  findAll(keys: readonly string[]): FoundEntry[] | null {
    return this.#consistently(() => {
      const found: FoundEntry[] = []
      for (const key of keys) {
        const entry = this.#find(key)
        if (entry === null) return null
        found.push(entry)
      }
      return found
    })
  }

  #consistently<Result>(read: () => Result | null): Result | null {
    for (let tries = 0; tries < maxTries; tries += 1) {
      const sequence = Atomics.load(this.#words, cells.sequence)
      if (sequence % 2 !== 0) continue
      const result = read()
      if (Atomics.load(this.#words, cells.sequence) !== sequence) continue
      // Looked at last: what was found was true when it was still open.
      return this.isClosed ? null : result
    }
    return null
  }

  #find(key: string): FoundEntry | null {
    if (!this.#key.read(key)) return null
    for (const slots of classes) {
      const first = slots.at + setOf(this.#key.hash, slots) * slots.ways * slots.words
      for (let way = 0; way < slots.ways; way += 1) {
        const found = this.#at(first + way * slots.words, slots)
        if (found !== null) return found
      }
    }
    return null
  }

  #at(at: number, slots: SlotClass): FoundEntry | null {
    const words = this.#words
    if (Atomics.load(words, at + slotHead.hash) !== this.#key.hash) return null
    const state = Atomics.load(words, at + slotHead.state)
    if (state === states.empty || Atomics.load(words, at + slotHead.keyBytes) !== this.#key.bytes) return null
    const keyAt = at + slotHead.count
    for (let word = 0; word < this.#key.words; word += 1)
      if (Atomics.load(words, keyAt + word) !== this.#key.word(word)) return null
    if (state === states.unset) return { value: undefined, version: 0 }
    const bytes = Atomics.load(words, at + slotHead.valueBytes)
    const valueAt = keyAt + this.#key.words
    const valueWords = Math.ceil(bytes / 4)
    // In the middle of a change anything may stand here.
    if (bytes < 0 || valueAt + valueWords > at + slots.words) return null
    for (let word = 0; word < valueWords; word += 1) this.#value[word] = Atomics.load(words, valueAt + word)
    const version =
      Atomics.load(words, at + slotHead.versionHigh) * 2 ** 32 +
      (Atomics.load(words, at + slotHead.versionLow) >>> 0)
    return { value: this.#valueBytes.slice(0, bytes), version }
  }
}

/** For whoever knows that the writer is gone. */
export function closeSharedEntries(words: Int32Array): void {
  Atomics.store(words, cells.closed, 1)
}

/** A key as words that can be compared with those in a slot. */
class KeyWords {
  readonly #words = new Int32Array(maxKeyBytes / 4)
  readonly #bytes = new Uint8Array(this.#words.buffer)
  readonly #encoder = new TextEncoder()
  bytes = 0
  words = 0
  hash = 0

  /** @returns whether it is one that is kept */
  read(key: string): boolean {
    const { read, written } = this.#encoder.encodeInto(key, this.#bytes)
    if (read !== key.length) return false
    this.bytes = written
    this.words = (written + 3) >> 2
    this.#bytes.fill(0, written, this.words * 4)
    // FNV-1a over bytes.
    let hash = 0x811c9dc5
    for (let at = 0; at < written; at += 1) hash = Math.imul(hash ^ (this.#bytes[at] ?? 0), 0x01000193)
    this.hash = hash | 0
    return true
  }

  word(at: number): number {
    return this.#words[at] ?? 0
  }
}

function setOf(hash: number, { sets }: SlotClass): number {
  return ((hash >>> 16) ^ hash) & (sets - 1)
}

function isIn(at: number, { at: first, words, sets, ways }: SlotClass): boolean {
  return at >= first && at < first + words * sets * ways
}
