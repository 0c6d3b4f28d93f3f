/**
 * wasi:blobstore 0.2.0-draft inside a sandbox. A container handle is a name; the node's half holds nothing for it
 * and checks the grant with every call.
 */
import { dispose } from '../io/index.ts'
import type { PartContext, PartKind } from '../part.ts'
import { WitError } from '../wit-error.ts'
import { IncomingValue, OutgoingValue } from './values.ts'
import { blobstoreId, blobstorePartName, type WireNames } from './wire.ts'

interface ObjectId {
  readonly container: string
  readonly object: string
}

export const blobstorePart: PartKind = {
  name: blobstorePartName,
  create(context) {
    /** The static function of the WIT, in a class of its own: the resource itself knows no context. */
    class Outgoing extends OutgoingValue {
      static newOutgoingValue(): OutgoingValue {
        return this.in(context)
      }
    }
    const ask = askerOf(context)
    const copying = (name: string) => (from: ObjectId, to: ObjectId) => {
      checkSize([from.container, from.object, to.container, to.object])
      ask(name, from, to)
    }
    return {
      imports: {
        'wasi:blobstore/types': { OutgoingValue: Outgoing, IncomingValue },
        'wasi:blobstore/container': { Container, StreamObjectNames },
        'wasi:blobstore/blobstore': {
          createContainer: (name: string) => Container.of(context, 'create-container', name),
          getContainer: (name: string) => Container.of(context, 'info', name),
          deleteContainer: (name: string) => void ask('delete-container', checked(name)),
          containerExists: (name: string) => ask('container-exists', checked(name)),
          copyObject: copying('copy-object'),
          moveObject: copying('move-object'),
        },
      },
    }
  },
}

type Ask = (name: string, ...args: readonly unknown[]) => unknown

function askerOf({ line }: PartContext): Ask {
  return (name, ...args) => line.call(blobstoreId, name, args)
}

class Container {
  readonly #name: string
  readonly #context: PartContext
  readonly #ask: Ask
  readonly #release: () => void

  private constructor(name: string, context: PartContext) {
    this.#release = context.hold()
    this.#name = name
    this.#context = context
    this.#ask = askerOf(context)
  }

  /** @param call makes it, or finds it */
  static of(context: PartContext, call: 'create-container' | 'info', name: string): Container {
    askerOf(context)(call, checked(name))
    return new Container(name, context)
  }

  name(): string {
    return this.#name
  }

  info(): unknown {
    return this.#ask('info', this.#name)
  }

  getData(object: string, start: bigint, end: bigint): IncomingValue {
    return IncomingValue.open(this.#context, this.#name, checked(object), start, end)
  }

  writeData(object: string, data: OutgoingValue): void {
    data.writeTo(this.#name, checked(object))
  }

  listObjects(): StreamObjectNames {
    return StreamObjectNames.of(this.#context, this.#name)
  }

  deleteObject(object: string): void {
    this.#ask('delete-objects', this.#name, [checked(object)])
  }

  deleteObjects(objects: readonly string[]): void {
    checkSize(objects)
    this.#ask('delete-objects', this.#name, objects)
  }

  hasObject(object: string): unknown {
    return this.#ask('has-object', this.#name, checked(object))
  }

  objectInfo(object: string): unknown {
    return this.#ask('object-info', this.#name, checked(object))
  }

  clear(): void {
    this.#ask('clear', this.#name)
  }

  [dispose](): void {
    this.#release()
  }
}

/** Most names of one answer, whatever the guest asks for. */
const maxNames = 1_000

class StreamObjectNames {
  readonly #container: string
  readonly #ask: Ask
  readonly #release: () => void
  #names: readonly string[]
  #cursor: string | null

  private constructor(context: PartContext, container: string, first: WireNames) {
    this.#release = context.hold()
    this.#container = container
    this.#ask = askerOf(context)
    this.#names = first.names
    this.#cursor = first.cursor
  }

  static of(context: PartContext, container: string): StreamObjectNames {
    const first = askerOf(context)('list-objects', container, null) as WireNames
    return new StreamObjectNames(context, container, first)
  }

  /** @returns the names, and whether these were the last */
  readStreamObjectNames(count: bigint): [readonly string[], boolean] {
    const wanted = count > maxNames ? maxNames : Number(count)
    if (this.#names.length < wanted) this.#fetch()
    const names = this.#names.slice(0, wanted)
    this.#names = this.#names.slice(wanted)
    return [names, this.#isAtEnd]
  }

  /** Skips as many as it is asked to, where there are so many. @returns how many, and whether these were the last */
  skipStreamObjectNames(count: bigint): [bigint, boolean] {
    let skipped = 0n
    while (skipped < count) {
      const [names, isLast] = this.readStreamObjectNames(count - skipped)
      skipped += BigInt(names.length)
      if (isLast) break
    }
    return [skipped, this.#isAtEnd]
  }

  get #isAtEnd(): boolean {
    return this.#names.length === 0 && this.#cursor === null
  }

  #fetch(): void {
    if (this.#cursor === null) return
    const page = this.#ask('list-objects', this.#container, this.#cursor) as WireNames
    this.#names = [...this.#names, ...page.names]
    this.#cursor = page.cursor
  }

  [dispose](): void {
    this.#release()
  }
}

/** Below what the engine lets cross in one call, which would end the sandbox instead of telling the guest. */
const maxArgumentBytes = 3.5 * 1024 * 1024
const overheadBytes = 64

function checked(name: string): string {
  checkSize([name])
  return name
}

function checkSize(names: readonly string[]): void {
  const bytes = names.reduce((sum, name) => sum + name.length * 2 + overheadBytes, 0)
  if (bytes > maxArgumentBytes) throw new WitError(`more than ${maxArgumentBytes} bytes in one call`)
}
