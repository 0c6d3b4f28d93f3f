/**
 * What the libraries we bundle expect and older Node.js lacks. Imported before everything else, so that one
 * bundle runs on Node 18.20, 20, 22 and 24. Each entry names the first Node that has it.
 */
import { File } from 'node:buffer'
import { webcrypto } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { isMainThread } from 'node:worker_threads'
import { engineFlags } from './engine-flags.ts'

// They are the whole process's: a thread that set them again would undo what was said since, such as what a memory may take.
if (isMainThread)
  for (const flag of engineFlags(process.arch, Number.parseInt(process.versions.node, 10), process.execArgv))
    setFlagsFromString(flag)

define(globalThis, 'crypto', webcrypto) // 19

define(
  globalThis,
  'CustomEvent', // 19
  class CustomEvent<T> extends Event {
    readonly detail: T | null
    constructor(type: string, init: CustomEventInit<T> = {}) {
      super(type, init)
      this.detail = init.detail ?? null
    }
  },
)

define(Promise, 'withResolvers', function withResolvers<T>(this: PromiseConstructor) {
  // 22
  let resolve!: (value: T | PromiseLike<T>) => void
  let reject!: (reason?: unknown) => void
  const promise = new this<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
})

define(AbortSignal, 'any', (signals: Iterable<AbortSignal>): AbortSignal => {
  // 20.3
  const controller = new AbortController()
  const list = [...signals]
  const onAbort = (event: Event): void => abortWith((event.target as AbortSignal).reason)
  const abortWith = (reason: unknown): void => {
    for (const signal of list) signal.removeEventListener('abort', onAbort)
    controller.abort(reason)
  }
  for (const signal of list) {
    if (signal.aborted) {
      abortWith(signal.reason)
      break
    }
    signal.addEventListener('abort', onAbort, { once: true })
  }
  return controller.signal
})

// 20: the change-by-copy array methods.
define(Array.prototype, 'toSorted', function toSorted<T>(this: T[], compare?: (a: T, b: T) => number) {
  return [...this].sort(compare)
})
define(Array.prototype, 'toReversed', function toReversed<T>(this: T[]) {
  return [...this].reverse()
})
define(Array.prototype, 'with', function withItem<T>(this: T[], index: number, value: T) {
  const copy = [...this]
  const at = index < 0 ? copy.length + index : index
  if (at < 0 || at >= copy.length) throw new RangeError('Invalid index')
  copy[at] = value
  return copy
})

// 22: the Set algebra.
define(Set.prototype, 'union', function union<T>(this: Set<T>, other: Set<T>) {
  return new Set([...this, ...other])
})
define(Set.prototype, 'intersection', function intersection<T>(this: Set<T>, other: Set<T>) {
  return new Set([...this].filter((item) => other.has(item)))
})
define(Set.prototype, 'difference', function difference<T>(this: Set<T>, other: Set<T>) {
  return new Set([...this].filter((item) => !other.has(item)))
})
define(Set.prototype, 'isSubsetOf', function isSubsetOf<T>(this: Set<T>, other: Set<T>) {
  return [...this].every((item) => other.has(item))
})
define(Set.prototype, 'isSupersetOf', function isSupersetOf<T>(this: Set<T>, other: Set<T>) {
  return [...other].every((item) => this.has(item))
})
define(Set.prototype, 'isDisjointFrom', function isDisjointFrom<T>(this: Set<T>, other: Set<T>) {
  return ![...this].some((item) => other.has(item))
})

define(globalThis, 'File', File) // 20; undici's types and libp2p's dependencies look it up at load

function define(target: object, name: string, value: unknown): void {
  if (name in target) return
  Object.defineProperty(target, name, { value, writable: true, configurable: true, enumerable: false })
}
