/**
 * The library that generated bindings stand on, in AssemblyScript. It is text because a compiler of another
 * language reads it.
 *
 * What crosses the border lives in an arena beside the collected heap: the host's arguments until they are lifted,
 * an import's arguments and answer until it returns, an export's answer until post-return. The arena is raw memory,
 * so the collector can neither move nor free what the host is about to read; an array of numbers is handed out where
 * it lies, because nothing can be collected before the host has read it: collecting needs guest code to run.
 *
 * Strings are UTF-16 inside and UTF-8 outside. Measured through jco against UTF-16 outside: the same up to 16 bytes,
 * 1.5 times as fast at 200, 3.4 times at 64 KB of ASCII, for 400 to 800 bytes more of code.
 */
export const memorySource = `
/** Of the arena, what is kept for the next call. */
const keptBytes: usize = 16384
const firstBytes: usize = 1024
/** In front of a chunk's own bytes: the chunk before it. */
const headBytes: usize = 16

let chunk: usize = 0
let next: usize = 0
let end: usize = 0
/** Runtime "stub": where the heap of a call begins. */
let floor: usize = 0

function begin(): void {
  if (ASC_RUNTIME == 0 && floor == 0) floor = __alloc(0)
}

/** Room in the arena. @returns where it begins, aligned */
export function allocate(size: usize, align: usize): usize {
  const at = (next + align - 1) & ~(align - 1)
  if (chunk == 0 || at > end || size > end - at) return allocateChunk(size)
  next = at + size
  return at
}

function allocateChunk(size: usize): usize {
  begin()
  let bytes = chunk == 0 ? firstBytes : (end - chunk) << 1
  if (bytes > 65536) bytes = 65536
  if (size > 0x3fffff00) unreachable()
  if (bytes < size + headBytes) bytes = size + headBytes
  const fresh = heap.alloc(bytes)
  store<usize>(fresh, chunk)
  store<usize>(fresh, end, sizeof<usize>())
  chunk = fresh
  end = fresh + bytes
  next = fresh + headBytes + size
  return fresh + headBytes
}

/** Where the arena ends now; what is taken later is given back by \`release\`. */
export function mark(): usize {
  return next
}

export function release(to: usize): void {
  while (chunk != 0 && (to <= chunk || to > end)) {
    const before = load<usize>(chunk)
    // The one chunk of an arena that was empty stays, unless it is large.
    if (before == 0 && end - chunk <= keptBytes) {
      next = chunk + headBytes
      return
    }
    const old = chunk
    end = load<usize>(chunk, sizeof<usize>())
    chunk = before
    heap.free(old)
  }
  next = chunk == 0 ? 0 : to
}

/** Canonical ABI: room for what the host writes. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, newSize: usize): usize {
  if (newSize == 0) return align
  if (old != 0 && old + oldSize == next && newSize <= end - old) {
    next = old + newSize
    return old
  }
  const fresh = allocate(newSize, align)
  if (old != 0) memory.copy(fresh, old, min(oldSize, newSize))
  return fresh
}

/** The arguments of an export are lifted: their room is free. */
export function entered(): void {
  begin()
  release(0)
}

/** The host has the answer. Nothing of this call is on the stack: the one safe moment to collect without one. */
export function finished(): void {
  release(0)
  if (ASC_RUNTIME == 1) __collect()
  if (ASC_RUNTIME == 0) rewind()
}

/** Runtime "stub" frees nothing but its last block, so everything of this call is made to be that block. */
function rewind(): void {
  chunk = 0
  next = 0
  end = 0
  const last = __alloc(0)
  const header = sizeof<usize>()
  store<usize>(floor - header, last + load<usize>(last - header) - floor)
  __free(floor)
  floor = 0
}

/** How many bytes the string has that was lowered last. */
export let loweredLength: usize = 0

/** @returns where the text lies as UTF-8; its length is in \`loweredLength\` */
export function lowerString(text: string): usize {
  // Three bytes are the most that a unit of UTF-16 becomes; what was too much is given back.
  const at = allocate(text.length * 3, 1)
  loweredLength = String.UTF8.encodeUnsafe(changetype<usize>(text), text.length, at, false, String.UTF8.ErrorMode.REPLACE)
  next = at + loweredLength
  return at
}

export function liftString(at: usize, length: usize): string {
  return String.UTF8.decodeUnsafe(at, length)
}

export function storeString(at: usize, text: string): void {
  store<usize>(at, lowerString(text))
  store<usize>(at, loweredLength, sizeof<usize>())
}

export function loadString(at: usize): string {
  return liftString(load<usize>(at), load<usize>(at, sizeof<usize>()))
}

export function liftBytes(at: usize, length: usize): Uint8Array {
  const bytes = new Uint8Array(<i32>length)
  memory.copy(bytes.dataStart, at, length)
  return bytes
}

/** Numbers that lie in memory as the canonical ABI has them. */
export function liftNumbers<T>(at: usize, length: usize): Array<T> {
  const numbers = new Array<T>(<i32>length)
  memory.copy(numbers.dataStart, at, length * sizeof<T>())
  return numbers
}

/** A handle to something that the host or another component has. \`drop\` gives it back; nothing does that for you. */
export abstract class Resource {
  /** 0 where there is none any more: given away, or dropped. */
  _handle: i32 = 0

  abstract drop(): void

  /** The handle for a call. Traps where it was given away or dropped. */
  _borrow(): i32 {
    if (this._handle == 0) unreachable()
    return this._handle
  }

  /** The handle, which now belongs to somebody else. */
  _take(): i32 {
    const handle = this._borrow()
    this._handle = 0
    return handle
  }
}

/** An object for a handle from outside, made without its constructor. */
export function adopt<T extends Resource>(handle: i32): T {
  const made = changetype<T>(__new(offsetof<T>(), idof<T>()))
  made._handle = handle
  return made
}

let lent: Array<Resource> | null = null

/** One that was lent for the length of this call; it goes back at its end. */
export function lend<T extends Resource>(handle: i32): T {
  const made = adopt<T>(handle)
  let list = lent
  if (list === null) lent = list = new Array<Resource>()
  list.push(made)
  return made
}

export function returnLent(): void {
  const list = lent
  if (list === null) return
  lent = null
  for (let index = 0; index < list.length; index++) {
    if (list[index]._handle != 0) list[index].drop()
  }
}

/** What an app offers as a resource. It lives until the host, or the app, drops its last handle. */
export abstract class Offered extends Resource {
  /** True while a handle to it exists. */
  _isOffered: bool = false

  /** Called when the last handle is gone. */
  dispose(): void {}
}

/** Kept alive for the host, by an address that does not move. */
export function offer(object: Offered): i32 {
  if (object._isOffered) unreachable()
  object._isOffered = true
  return <i32>__pin(changetype<usize>(object))
}

/** The last handle is gone. */
export function withdraw(at: usize): void {
  const object = changetype<Offered>(at)
  object._isOffered = false
  object._handle = 0
  __unpin(at)
  object.dispose()
}
`

/** What an app meets of the types that AssemblyScript has no own word for. */
export const valuesSource = `
/** Nothing: the value of a \`result\` without one. */
export type Unit = bool

/** A value that is there, where null cannot say so by itself: \`option<u32>\` is \`Some<u32> | null\`. */
export class Some<T> {
  constructor(readonly value: T) {}
}

/** What became of something: made by \`ok\`, \`done\` or \`err\`. */
export class Result<T, E> {
  constructor(readonly isOk: bool, readonly _value: T, readonly _error: E) {}

  get isErr(): bool {
    return !this.isOk
  }

  /** Traps where it is an error: ask \`isOk\` before. */
  get value(): T {
    if (!this.isOk) unreachable()
    return this._value
  }

  /** Traps where it is none. */
  get error(): E {
    if (this.isOk) unreachable()
    return this._error
  }
}

export function ok<T, E>(value: T): Result<T, E> {
  return new Result<T, E>(true, value, nothing<E>())
}

/** \`ok\` without a value. */
export function done<E>(): Result<Unit, E> {
  return new Result<Unit, E>(true, true, nothing<E>())
}

export function err<T, E>(error: E): Result<T, E> {
  return new Result<T, E>(false, nothing<T>(), error)
}

/** Behind a getter that traps before anybody sees it. */
function nothing<T>(): T {
  if (isReference<T>()) return changetype<T>(<usize>0)
  else return <T>0
}
`
