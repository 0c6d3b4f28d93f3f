/** `wasi:http/types.fields`: headers or trailers as a guest reads and writes them. */
import { WitError } from '../wit-error.ts'
import { bytesOf, FieldList, latin1Of } from './field-list.ts'
import { Resource, type HttpWorld } from './resource.ts'
import { isFieldName, isFieldValue, isForbiddenField } from './syntax.ts'

export type FieldEntry = readonly [name: string, value: Uint8Array]

export class Fields extends Resource {
  readonly list: FieldList
  readonly #isImmutable: boolean
  /** Of the world's bytes; a view of a request's headers has none of its own. */
  #accountedBytes: number

  /** Without a list: what the guest's own constructor makes, empty and mutable. */
  constructor(world: HttpWorld, list?: FieldList, parent: Resource | null = null, isView = false) {
    super(world, parent)
    this.list = list ?? new FieldList([])
    this.#isImmutable = parent !== null
    this.#accountedBytes = isView ? 0 : this.list.bytes
    world.spend(this.#accountedBytes)
  }

  /** @throws WitError header-error */
  static fromList(world: HttpWorld, entries: readonly FieldEntry[]): Fields {
    const fields = new Fields(world)
    try {
      for (const [name, value] of entries) fields.append(name, value)
      return fields
    } catch (error) {
      fields.surrender()
      throw error
    }
  }

  get(name: string): Uint8Array[] {
    return this.list.all(name.toLowerCase()).map(bytesOf)
  }

  has(name: string): boolean {
    return this.list.first(name.toLowerCase()) !== undefined
  }

  /** @throws WitError header-error */
  set(name: string, values: readonly Uint8Array[]): void {
    const key = this.#writable(name)
    const texts = values.map(checkedValue)
    this.list.remove(key)
    for (const text of texts) this.list.append(name, text)
    this.#account()
  }

  /** @throws WitError header-error */
  delete(name: string): void {
    this.list.remove(this.#writable(name))
    this.#account()
  }

  /** @throws WitError header-error */
  append(name: string, value: Uint8Array): void {
    this.#writable(name)
    this.list.append(name, checkedValue(value))
    this.#account()
  }

  entries(): [string, Uint8Array][] {
    return entriesOf(this.list)
  }

  clone(): Fields {
    return new Fields(this.world, this.list.copy())
  }

  override leave(): boolean {
    if (!super.leave()) return false
    this.world.giveBack(this.#accountedBytes)
    return true
  }

  /** @returns the name in lower case */
  #writable(name: string): string {
    if (this.#isImmutable) throw new WitError({ tag: 'immutable' })
    if (!isFieldName(name)) throw new WitError({ tag: 'invalid-syntax' })
    const key = name.toLowerCase()
    if (isForbiddenField(key)) throw new WitError({ tag: 'forbidden' })
    return key
  }

  #account(): void {
    const change = this.list.bytes - this.#accountedBytes
    this.world.spend(change)
    this.#accountedBytes += change
  }
}

/** @throws WitError header-error */
export function checkedValue(value: Uint8Array): string {
  const text = latin1Of(value)
  if (!isFieldValue(text)) throw new WitError({ tag: 'invalid-syntax' })
  return text
}

/** All of them, in their order. */
export function entriesOf({ flat }: FieldList): [string, Uint8Array][] {
  const entries: [string, Uint8Array][] = []
  for (let at = 0; at < flat.length; at += 2) entries.push([flat[at]!, bytesOf(flat[at + 1]!)])
  return entries
}
