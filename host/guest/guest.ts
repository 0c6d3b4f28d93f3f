/**
 * One app's instance in its sandbox, and the next one. Any throw that is not a declared WIT error leaves the guest's
 * memory in an unknown state (jco goes on after a stack overflow): that instance is not used again, nor its sandbox.
 */
import { getHeapStatistics } from 'node:v8'
import { endOf, GuestExit, HostFault } from './ends.ts'
import { instantiateComponent, type Component } from './glue.ts'
import type { GuestLine, Work } from './guest-line.ts'
import { Handles } from './handles.ts'
import { bindParts, type BoundParts } from './imports.ts'
import { camelCase, parseInterface, satisfiesExport } from './interface-id.ts'
import { createIo } from './io/index.ts'
import { instantiateModule } from './module.ts'
import { partFor } from './p3/index.ts'
import type { GuestExports, GuestFunction, Part, PartContext, PartKind } from './part.ts'
import type { Boot, EndOfGuest, Outcome } from './protocol.ts'
import { takeImage, type Image } from './restore.ts'
import { assertBounded } from './values.ts'

/** Memories larger than this, all together, get no image: keeping and writing it would cost more than it saves. */
const maxImageBytes = 16 * 1024 * 1024
/** Calls between two looks at the heap: looking costs as much as a small call. */
const heapCheckCalls = 4_096

export class Guest {
  readonly #boot: Boot
  readonly #kinds: readonly PartKind[]
  readonly #line: GuestLine
  #bound: BoundParts | null = null
  #component: Component | null = null
  #image: Image | null = null
  #handles: Handles
  #calls = 0
  #hasExited = false
  readonly #atEnd: (() => void)[] = []
  /** What was called of this instance, by target: looking through its exports costs as much as a small call. */
  readonly #functions = new Map<string, GuestFunction>()
  /** The same for invocations of parts. */
  readonly #invoked = new Map<string, Part>()
  /** Estimated size of what the last call gave back, in bytes. */
  resultBytes = 0

  constructor(boot: Boot, kinds: readonly PartKind[], line: GuestLine) {
    this.#boot = boot
    this.#handles = new Handles(boot.limits.heldHandles)
    this.#kinds = kinds
    this.#line = line
  }

  /** @throws what the guest's start functions throw; HostFault where glue and modules do not fit */
  async make(): Promise<void> {
    const { glue, interfaces, restore, fresh } = this.#boot
    // What the last instance held is of no use to the next, and what of it is given back late does not count here.
    this.#handles = new Handles(this.#boot.limits.heldHandles)
    this.#functions.clear()
    this.#invoked.clear()
    this.#calls = 0
    this.#hasExited = false
    const context = this.#context()
    this.#bound = bindParts(this.#kinds, interfaces, context)
    const component =
      glue === null
        ? instantiateModule(this.#boot, context)
        : await instantiateComponent(this.#boot, glue, this.#bound.imports)
    this.#component = component
    const { instances, tables } = component
    this.#image =
      fresh && restore !== null
        ? takeImage({ instances, tables, prefix: restore, maxBytes: maxImageBytes })
        : null
  }

  run(work: Work): Outcome | Promise<Outcome> {
    this.#calls += 1
    this.resultBytes = 0
    try {
      const value = work.t === 'call' ? this.#call(work) : this.#invoke(work)
      if (value instanceof NoExport) return { kind: 'no-export', message: value.message }
      if (!(value instanceof Promise)) return this.#returned(value)
      return value.then(
        (settled) => this.#returned(settled),
        (error: unknown) => this.#threw(error, work),
      )
    } catch (error) {
      return this.#threw(error, work)
    }
  }

  /**
   * After a call that did not end the guest: puts back what it changed, where calls are to be fresh, by the image or
   * by a new instance. @returns what to wait for, or null where it is done
   */
  renew(): Promise<void> | null {
    const { fresh } = this.#boot
    if (this.#hasExited) return this.#remake()
    if (this.#calls % heapCheckCalls === 0 && this.#isHeapLarge()) return this.#remake()
    if (!fresh) return null
    if (this.#handles.held === 0 && this.#image?.restore() === true) return null
    return this.#remake()
  }

  get memoryBytes(): number {
    let sum = 0
    for (const memory of this.#component?.memories ?? []) sum += memory.buffer.byteLength
    return sum
  }

  endOf(error: unknown): EndOfGuest {
    return endOf(error, (this.#component?.memories ?? []).some(isFull))
  }

  /** The instance is gone; what it held of the machine goes with it. */
  end(): void {
    for (const run of this.#atEnd.splice(0)) run()
  }

  #remake(): Promise<void> {
    this.end()
    // What the old instance held of the host goes with it.
    this.#line.closeChannels()
    this.#component = null
    this.#image = null
    return this.make()
  }

  #isHeapLarge(): boolean {
    return getHeapStatistics().used_heap_size > this.#boot.limits.recycleHeapBytes
  }

  #returned(value: unknown): Outcome {
    try {
      this.resultBytes = assertBounded(value, this.#boot.limits.valueBytes)
      return { kind: 'ok', value }
    } catch (tooLarge) {
      return { kind: 'end', ...this.endOf(tooLarge) }
    }
  }

  #threw(error: unknown, work: Work): Outcome {
    // A program that ends well has returned; its instance is where it left off, and not used again.
    if (error instanceof GuestExit && error.code === 0 && isCommand(work)) {
      this.#hasExited = true
      return { kind: 'ok', value: undefined }
    }
    if (!isDeclared(error)) return { kind: 'end', ...this.endOf(error) }
    try {
      this.resultBytes = assertBounded(error.payload, this.#boot.limits.valueBytes)
      return { kind: 'err', payload: error.payload }
    } catch (tooLarge) {
      return { kind: 'end', ...this.endOf(tooLarge) }
    }
  }

  #call({ target, args }: Extract<Work, { t: 'call' }>): unknown {
    const exports = this.#component?.exports ?? {}
    let guestFunction = this.#functions.get(target)
    if (guestFunction === undefined) {
      const found = findExport(exports, target)
      if (found === null) return noExport(exports)
      guestFunction = this.#withResources(target, found)
      this.#functions.set(target, guestFunction)
    }
    return guestFunction(...args)
  }

  /** An export that takes resources of a part, as a function of what the node can send. */
  #withResources(target: string, found: GuestFunction): GuestFunction {
    const { path } = parseInterface(target.split('#')[0] ?? '')
    for (const part of this.#bound?.parts.values() ?? []) {
      const make = part.arguments?.[path]
      if (make !== undefined) return (...args) => found(...make(args))
    }
    return found
  }

  #invoke({ part: name, name: method, args, channel }: Extract<Work, { t: 'invoke' }>): unknown {
    const exports = this.#component?.exports ?? {}
    let part = this.#invoked.get(name)
    if (part === undefined) {
      part = this.#bound?.parts.get(partFor(name, exports))
      if (part !== undefined) this.#invoked.set(name, part)
    }
    if (part?.invoke === undefined) throw new HostFault(`part ${name} takes no invocations`)
    return part.invoke(exports, method, args, () => this.#line.invocationChannel(channel))
  }

  #context(): PartContext {
    const handles = this.#handles
    const hold = (): (() => void) => handles.hold()
    const line = this.#line
    const { settings } = this.#boot
    const atEnd = (run: () => void): void => void this.#atEnd.push(run)
    return { line, hold, handles, held: () => handles.held, settings, atEnd, io: createIo(line, hold) }
  }
}

function isCommand(work: Work): boolean {
  return work.t === 'call' && work.target.startsWith('wasi:cli/run@')
}

/** A component may have thousands of exports. */
const maxMessageChars = 1_000

class NoExport {
  readonly message: string

  constructor(message: string) {
    this.message = message
  }
}

function noExport(exports: GuestExports): NoExport {
  const names = Object.keys(exports).filter(
    (name) => name.includes('/') || typeof exports[name] === 'function',
  )
  return new NoExport(`it exports ${names.join(', ') || 'nothing'}`.slice(0, maxMessageChars))
}

/** `interface@version#function`, or the name of a function exported by itself. */
export function findExport(exports: GuestExports, target: string): GuestFunction | null {
  const [owner = '', name] = target.split('#')
  if (name === undefined) {
    const own = Object.hasOwn(exports, camelCase(owner)) ? exports[camelCase(owner)] : undefined
    return typeof own === 'function' ? own : null
  }
  const match = Object.keys(exports).find((candidate) => satisfiesExport(candidate, owner))
  const functions = match === undefined ? undefined : exports[match]
  if (typeof functions !== 'object' || !Object.hasOwn(functions, camelCase(name))) return null
  return functions[camelCase(name)] ?? null
}

/** The class is the glue's own, so only its name can be compared; a guest cannot throw one by itself. */
function isDeclared(error: unknown): error is Error & { readonly payload: unknown } {
  return (
    error instanceof Error && error.constructor.name === 'ComponentError' && Object.hasOwn(error, 'payload')
  )
}

/** The sandbox ends after this, so that growing a memory that still could does no harm. */
function isFull(memory: WebAssembly.Memory): boolean {
  try {
    memory.grow(1)
    return false
  } catch {
    return true
  }
}
