/**
 * What the rewritten lines of the glue call: the canonical ABI's checks on pointers, text and handles, and the tables
 * of handles that a sandbox asks about. It is text because it runs inside the glue, beside the generator's own
 * functions (`T_FLAG`, `rscTableRemove`, `TEXT_DECODER_UTF8`); names begin with `_`, as no name out of WIT can.
 *
 * A handle table is `[free, 0, (scope, representation) …]` by handle; `T_FLAG` marks an owned representation,
 * and a scope that is a link of the list of free handles.
 *
 * The host's objects behind them lie in lists by representation. In the generator's maps, which take in and give back
 * an entry with every resource, each outgrown table holds the next one and what was in it: one of them in the old
 * generation of the heap kept everything that came after from being collected young.
 */

/** Handles of one resource type that a guest may hold: some 200 bytes each on the host, far below its heap. */
export const maxHandlesPerType = 65_536

/** And of all types together. A type costs an attacker ten bytes. */
export const maxHandles = 262_144

/**
 * Bytes that one call may hand over beyond the size of its memory. More must be the same bytes again and again, with
 * which a list of a few kilobytes would fill the host's memory.
 */
const sparedLiftBytes = 1024 * 1024

/**
 * What the lists of one call may take of the sandbox's heap (64 MiB), in bytes. A list that is no typed array becomes a
 * value of JavaScript per element, some forty bytes for one of the guest's; what the heap cannot hold ends the node's
 * whole process, not only the thread.
 */
const listHeapBytes = 48 * 1024 * 1024

/** Functions that the rewritten lines call, put in front of the generator's own. */
export const helpers = `
  const MAX_TABLE_LENGTH = ${2 * maxHandlesPerType + 2};
  let _handles = 0;
  function _grow(table) {
    _handles += 1;
    if (table.length >= MAX_TABLE_LENGTH) throw new Error('a guest holds ${maxHandlesPerType} handles of one type and drops none');
    if (_handles > ${maxHandles}) throw new Error('a guest holds ${maxHandles} handles and drops none');
  }
  const _resourceTables = [];
  function _resourceTable(handles, captured) {
    _resourceTables.push({
      open: () => captured.size,
      reset: () => { _handles -= (handles.length - 2) / 2; handles.length = 2; handles[0] = T_FLAG; handles[1] = 0; captured.clear(); },
    });
  }
  class _Captured {
    constructor() {
      this.objects = [undefined];
      this.free = [];
      this.size = 0;
    }
    get(rep) { return this.objects[rep]; }
    set(rep, object) {
      if (this.objects[rep] === undefined) this.size += 1;
      this.objects[rep] = object;
    }
    delete(rep) {
      if (this.objects[rep] === undefined) return false;
      this.objects[rep] = undefined;
      this.free.push(rep);
      this.size -= 1;
      return true;
    }
    clear() {
      this.objects.length = 1;
      this.free.length = 0;
      this.size = 0;
    }
    next() {
      for (let rep = this.free.pop(); rep !== undefined; rep = this.free.pop()) {
        if (this.objects[rep] === undefined) return rep;
      }
      return this.objects.length;
    }
  }
  function _unknownHandle(handle) {
    throw new WebAssembly.RuntimeError('unknown handle index ' + (handle >>> 0));
  }
  function _known(table, handle) {
    if (handle <= 0 || handle > 0x3fffffff) _unknownHandle(handle);
    const value = table[(handle << 1) + 1];
    if (value === undefined || value === 0 || (table[handle << 1] & T_FLAG) !== 0) _unknownHandle(handle);
    return value;
  }
  function _borrowed(table, captured, handle) {
    const value = _known(table, handle);
    const object = captured.get(value & ~T_FLAG);
    if (object === undefined) _unknownHandle(handle);
    return object;
  }
  function _taken(table, captured, handle) {
    const object = _borrowed(table, captured, handle);
    const value = table[(handle << 1) + 1];
    if ((value & T_FLAG) === 0) throw new WebAssembly.RuntimeError('a borrowed handle cannot be given away');
    rscTableRemove(table, handle);
    captured.delete(value & ~T_FLAG);
    return object;
  }
  function _outside(pointer, length) {
    throw new WebAssembly.RuntimeError('memory access out of bounds: ' + length + ' bytes at ' + pointer);
  }
  let _liftedBytes = -Infinity;
  function _spend(size, memoryBytes) {
    _liftedBytes += size;
    if (_liftedBytes > memoryBytes + ${sparedLiftBytes})
      throw new WebAssembly.RuntimeError('a call hands over the same bytes again and again, more than the memory holds');
  }
  function _bytes(memory, pointer, length) {
    const start = pointer >>> 0, size = length >>> 0, bytes = _viewOf(memory);
    if (start + size > bytes.length) _outside(start, size);
    _spend(size, bytes.length);
    if (size > 64) return bytes.slice(start, start + size);
    const copy = new Uint8Array(size);
    for (let index = 0; index < size; index++) copy[index] = bytes[start + index];
    return copy;
  }
  function _numbers(Numbers, memory, pointer, length) {
    const start = pointer >>> 0, size = (length >>> 0) * Numbers.BYTES_PER_ELEMENT, bytes = _viewOf(memory);
    if (start + size > bytes.length) _outside(start, size);
    if (start % Numbers.BYTES_PER_ELEMENT !== 0) throw new WebAssembly.RuntimeError('a list is not aligned: ' + start);
    _spend(size, bytes.length);
    if (_isBigEndian) return new Numbers(_swapped(bytes.subarray(start, start + size), Numbers.BYTES_PER_ELEMENT).buffer);
    return new Numbers(memory.buffer.slice(start, start + size));
  }
  const _isBigEndian = new Uint8Array(new Uint16Array([1]).buffer)[0] === 0;
  function _swapped(bytes, width) {
    const swapped = new Uint8Array(bytes.length);
    for (let at = 0; at < bytes.length; at++) swapped[at] = bytes[at + width - 1 - 2 * (at % width)];
    return swapped;
  }
  function _lowered(numbers, size) {
    const bytes = new Uint8Array(numbers.buffer || numbers, numbers.byteOffset, size);
    return _isBigEndian && numbers.BYTES_PER_ELEMENT > 1 ? _swapped(bytes, numbers.BYTES_PER_ELEMENT) : bytes;
  }
  let _listHeap = 0;
  function _charge(bytes) {
    _listHeap += bytes;
    if (_listHeap > ${listHeapBytes})
      throw new WebAssembly.RuntimeError('a call hands over lists of more values than a sandbox can hold');
  }
  function _list(pointer, length, size) {
    if (pointer < 0 || length < 0) _outside(pointer >>> 0, length >>> 0);
    _charge(length * (8 + 40 * size));
  }
  let _listDepth = 0;
  function _innerList(pointer, length, size) {
    if (_listDepth === 0) _listHeap = 0;
    _listDepth += 1;
    _list(pointer, length, size);
  }
  function _newCall() {
    _liftedBytes = 0;
    _listHeap = 0;
  }
  let _view = new Uint8Array(0);
  function _viewOf(memory) {
    return _view.buffer === memory.buffer ? _view : (_view = new Uint8Array(memory.buffer));
  }
  function _text(memory, pointer, length) {
    const start = pointer >>> 0, size = length >>> 0, bytes = _viewOf(memory);
    if (start + size > bytes.length) _outside(start, size);
    _spend(size, bytes.length);
    if (size <= 24) {
      let text = '';
      let index = 0;
      for (; index < size; index++) {
        const byte = bytes[start + index];
        if (byte > 0x7f) break;
        text += String.fromCharCode(byte);
      }
      if (index === size) return text;
    }
    try {
      return TEXT_DECODER_UTF8.decode(bytes.subarray(start, start + size));
    } catch (cause) {
      throw new WebAssembly.RuntimeError('a string is not UTF-8', { cause });
    }
  }
  function _settled(value) {
    if (value !== null && typeof value === 'object' && typeof value.then === 'function') {
      if (value instanceof Promise) value.catch(() => {});
      throw new WebAssembly.RuntimeError('a host function returned a promise to a guest that cannot wait for one');
    }
    return value;
  }
  const _flags = { value: 1 };
  function _cannotLeave() {
    throw new WebAssembly.RuntimeError('cannot leave component instance');
  }
  let _hasTrapped = false;
  const _state = {
    set mayLeave(may) { _flags.value = may ? 1 : 0; },
    markTrapped(err) {
      if (!(err instanceof WebAssembly.RuntimeError)) return false;
      _normalizeCoreTrap(err);
      _hasTrapped = true;
      return true;
    },
    throwIfTrapped() {
      if (_hasTrapped) throw new WebAssembly.RuntimeError('wasm trap: cannot enter component instance');
    },
  };
  function _guarded(drop) {
    return (handle) => {
      if (_flags.value !== 1) _cannotLeave();
      drop(handle);
    };
  }
`
