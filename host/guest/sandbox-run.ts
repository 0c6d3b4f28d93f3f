/**
 * The life of a sandbox, seen from inside: it is specialised to one app, makes the instance, and does what it is
 * asked, one call at a time. Any throw that is not a declared WIT error ends it (jco goes on after a stack
 * overflow, which leaves the guest's memory in an unknown state).
 */
import { performance } from 'node:perf_hooks'
import { endOf, HostFault } from './ends.ts'
import { instantiateComponent, type Component } from './glue.ts'
import { GuestLine, type Transport, type Work } from './guest-line.ts'
import { bindParts, type BoundParts } from './imports.ts'
import { camelCase, satisfiesExport } from './interface-id.ts'
import { createIo } from './io/index.ts'
import { instantiateModule } from './module.ts'
import { partFor } from './p3/index.ts'
import type { GuestExports, GuestFunction, PartContext, PartKind } from './part.ts'
import type { Boot, EndOfGuest, Outcome, ToGuest } from './protocol.ts'
import { assertBounded } from './values.ts'

/** Results wait for the other calls of their batch so long, in ms; then they are handed over. */
const longestBatchMs = 0.25

export interface SandboxNeeds {
  readonly transport: Transport
  readonly parts: readonly PartKind[]
  /** Told before each call, so that the node knows which calls a dead sandbox never began. */
  begun(call: number): void
}

export interface InnerSandbox {
  /** Takes in what came, and does what it asks; the first batch begins with the boot. */
  take(batch: readonly ToGuest[]): void
  /** Resolves when it was specialised and its instance made, or could not be. */
  readonly booted: Promise<void>
}

export function createSandbox(needs: SandboxNeeds): InnerSandbox {
  let running: RunningSandbox | null = null
  let resolveBooted!: () => void
  const booted = new Promise<void>((resolve) => (resolveBooted = resolve))
  return {
    booted,
    take(batch) {
      if (running !== null) return running.take(batch)
      const [first, ...rest] = batch
      if (first?.t !== 'boot') throw new HostFault('a sandbox was asked before it was specialised')
      running = new RunningSandbox(first.boot, needs)
      running.take(rest)
      void running.start().then(resolveBooted)
    },
  }
}

class RunningSandbox {
  readonly #boot: Boot
  readonly #needs: SandboxNeeds
  readonly #line: GuestLine
  #bound: BoundParts | null = null
  #component: Component | null = null
  #isBusy = true
  #isOver = false
  #held = 0

  constructor(boot: Boot, needs: SandboxNeeds) {
    this.#boot = boot
    this.#needs = needs
    this.#line = new GuestLine(needs.transport, boot.limits)
  }

  async start(): Promise<void> {
    this.#line.queue({ t: 'loaded' })
    this.#line.flush()
    try {
      const context = this.#context()
      this.#bound = bindParts(this.#needs.parts, this.#boot.interfaces, context)
      this.#component =
        this.#boot.glue === null
          ? instantiateModule(this.#boot, context)
          : await instantiateComponent(this.#boot, this.#boot.glue, this.#bound.imports)
      this.#line.queue({ t: 'ready', memoryBytes: this.#memoryBytes() })
    } catch (error) {
      this.#isOver = true
      this.#line.queue({ t: 'start-failed', ...this.#ending(error) })
    }
    this.#isBusy = false
    this.#work()
  }

  take(batch: readonly ToGuest[]): void {
    this.#line.accept(batch)
    if (!this.#isBusy) this.#work()
  }

  #work(): void {
    this.#isBusy = true
    let flushedAtMs = performance.now()
    for (;;) {
      const work = this.#isOver ? undefined : this.#line.nextWork()
      if (work === undefined) break
      const now = performance.now()
      if (now - flushedAtMs > longestBatchMs) {
        this.#line.flush()
        flushedAtMs = now
      }
      const pending = this.#do(work, now)
      if (pending !== null) {
        this.#line.flush()
        // What ends the guest is its outcome; anything that is thrown here is a fault of ours, and ends the thread.
        void pending.then(() => this.#work())
        return
      }
    }
    this.#line.flush()
    this.#isBusy = false
  }

  /** @returns what to wait for where the guest's thread has gone back to its event loop (WASI 0.3); else null */
  #do(work: Work, fromMs: number): Promise<void> | null {
    this.#needs.begun(work.call)
    this.#line.takeSleptMs()
    const outcome = this.#run(work)
    if (!(outcome instanceof Promise)) {
      this.#finish(work, outcome, performance.now() - fromMs - this.#line.takeSleptMs())
      return null
    }
    const before = performance.eventLoopUtilization()
    const syncMs = performance.now() - fromMs
    return outcome.then((settled) => {
      const { active } = performance.eventLoopUtilization(before)
      this.#finish(work, settled, syncMs + active - this.#line.takeSleptMs())
    })
  }

  #finish(work: Work, outcome: Outcome, activeMs: number): void {
    if (outcome.kind === 'end') this.#isOver = true
    this.#line.queue({
      t: 'result',
      call: work.call,
      outcome,
      activeMs,
      memoryBytes: this.#memoryBytes(),
      dropped: this.#line.takeDropped(),
      channelUsed: work.t === 'invoke' && this.#line.endInvocation(work.channel),
    })
  }

  #run(work: Work): Outcome | Promise<Outcome> {
    try {
      const value = work.t === 'call' ? this.#call(work) : this.#invoke(work)
      if (value instanceof NoExport) return { kind: 'no-export', message: value.message }
      if (!(value instanceof Promise)) return this.#returned(value)
      return value.then(
        (settled) => this.#returned(settled),
        (error: unknown) => this.#threw(error),
      )
    } catch (error) {
      return this.#threw(error)
    }
  }

  #returned(value: unknown): Outcome {
    try {
      assertBounded(value, this.#boot.limits.valueBytes)
      return { kind: 'ok', value }
    } catch (tooLarge) {
      return { kind: 'end', ...this.#ending(tooLarge) }
    }
  }

  #threw(error: unknown): Outcome {
    if (!isDeclared(error)) return { kind: 'end', ...this.#ending(error) }
    try {
      assertBounded(error.payload, this.#boot.limits.valueBytes)
      return { kind: 'err', payload: error.payload }
    } catch (tooLarge) {
      return { kind: 'end', ...this.#ending(tooLarge) }
    }
  }

  #call({ target, args }: Extract<Work, { t: 'call' }>): unknown {
    const exports = this.#component?.exports ?? {}
    const guestFunction = findExport(exports, target)
    if (guestFunction === null) return noExport(exports)
    return guestFunction(...args)
  }

  #invoke({ part: name, name: method, args, channel }: Extract<Work, { t: 'invoke' }>): unknown {
    const exports = this.#component?.exports ?? {}
    const part = this.#bound?.parts.get(partFor(name, exports))
    if (part?.invoke === undefined) throw new HostFault(`part ${name} takes no invocations`)
    return part.invoke(exports, method, args, () => this.#line.invocationChannel(channel))
  }

  #context(): PartContext {
    const hold = (): (() => void) => {
      const most = this.#boot.limits.heldHandles
      if (this.#held >= most) throw new Error(`a guest holds ${most} resources of the host and drops none`)
      this.#held += 1
      let isHeld = true
      return () => {
        if (isHeld) this.#held -= 1
        isHeld = false
      }
    }
    const line = this.#line
    return { line, hold, held: () => this.#held, settings: this.#boot.settings, io: createIo(line, hold) }
  }

  #memoryBytes(): number {
    let sum = 0
    for (const memory of this.#component?.memories ?? []) sum += memory.buffer.byteLength
    return sum
  }

  #ending(error: unknown): EndOfGuest {
    return endOf(error, (this.#component?.memories ?? []).some(isFull))
  }
}

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
  return new NoExport(`it exports ${names.join(', ') || 'nothing'}`)
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
