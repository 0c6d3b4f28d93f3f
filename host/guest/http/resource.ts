/**
 * What all resources of wasi:http share: each is counted against what a guest may hold, knows its children, and
 * refuses to go before them, as the component model has it.
 */
import type { PartContext } from '../part.ts'
import { httpGuestLimits } from './limits.ts'

/** What jco's glue calls when a guest drops a handle; older Node.js lacks the well-known symbol. */
const dispose: symbol = (Symbol as { dispose?: symbol }).dispose ?? Symbol.for('dispose')

/** One part's world: its context, and the bytes that its fields and waiting bodies take. */
export class HttpWorld {
  readonly context: PartContext
  #heldBytes = 0

  constructor(context: PartContext) {
    this.context = context
  }

  /** @throws (which ends the guest) where it holds more than the sandbox's heap could bear */
  spend(bytes: number): void {
    this.#heldBytes += bytes
    if (this.#heldBytes > httpGuestLimits.heldBytes) {
      this.#heldBytes -= bytes
      throw new Error(`a guest holds ${this.#heldBytes} bytes of HTTP fields and bodies and drops none`)
    }
  }

  giveBack(bytes: number): void {
    this.#heldBytes -= bytes
  }
}

export class Resource {
  // Ordinary properties, which the constructor makes: there are many classes of this one, and to define private names in
  // so many shapes of objects takes V8 longer than all else that making one does.
  declare protected readonly world: HttpWorld
  declare private readonly parent: Resource | null
  declare private children: number
  declare private isGone: boolean

  constructor(world: HttpWorld, parent: Resource | null = null) {
    this.world = world
    world.context.handles.take()
    this.parent = parent
    this.children = 0
    this.isGone = false
    if (parent !== null) parent.children += 1
  }

  /** The guest drops it. @throws (a trap) while children live */
  [dispose](): void {
    if (this.children > 0) throw tooEarly(this, 'dropped')
    if (this.leave()) this.dropped()
  }

  /**
   * It passes from the guest to the node, which ends the handle and not what it stands for.
   * @throws (a trap) while children live
   */
  surrender(): void {
    if (this.children > 0) throw tooEarly(this, 'given away')
    if (!this.leave()) throw new Error('a guest used a resource of wasi:http that it has given away')
  }

  /** As `surrender`; children may outlive it. @returns false where it is gone already */
  leave(): boolean {
    if (this.isGone) return false
    this.isGone = true
    if (this.parent !== null) this.parent.children -= 1
    this.world.context.handles.giveBack()
    return true
  }

  /** One child more that is no resource of wasi:http: a stream. @returns what takes it off, once */
  adopt(): () => void {
    this.children += 1
    let isThere = true
    return () => {
      if (isThere) this.children -= 1
      isThere = false
    }
  }

  /** What a drop by the guest means, beyond the handle. */
  protected dropped(): void {}
}

function tooEarly(resource: Resource, how: string): Error {
  return new Error(`a guest's ${resource.constructor.name} was ${how} while a child of it lives`)
}
