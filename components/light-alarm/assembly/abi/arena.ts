/**
 * Memory as the canonical ABI wants it, and as an app that runs for years needs it.
 *
 * The host asks `cabi_realloc` for room for every string that it hands in; AssemblyScript takes room from the
 * same heap for every string that the app builds. Nothing of one event is needed by the next, so the heap is a
 * stack that is emptied when the host has taken the answer (`--runtime stub` has no collector, and needs none).
 * Whoever keeps an object in a global across events breaks this: keep numbers.
 */

/** Canonical ABI: room for `newSize` bytes. Blocks are 16-aligned, more than any WIT type asks for. */
export function cabi_realloc(old: usize, oldSize: usize, align: usize, newSize: usize): usize {
  return old === 0 ? __alloc(newSize) : __realloc(old, newSize)
}

/** Empties the heap. Every pointer handed out before is invalid after it. */
export function emptyArena(): void {
  __reset()
}
