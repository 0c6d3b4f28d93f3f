/**
 * `wasi:http/types.fields` 0.3 over the list of fields that 0.2 has as well: what is new is that too large is an error
 * and no trap, and that fields become immutable when a message takes them.
 */
import { bytesOf, FieldList, pairBytes } from '../../http/field-list.ts'
import { checkedValue, entriesOf, type FieldEntry } from '../../http/fields.ts'
import { httpGuestLimits } from '../../http/limits.ts'
import { Resource, type HttpWorld } from '../../http/resource.ts'
import { isFieldName, isForbiddenField } from '../../http/syntax.ts'
import { WitError } from '../../wit-error.ts'

export class Fields extends Resource {
  readonly list: FieldList
  readonly #isMutable: boolean
  /** Of the world's bytes. */
  #accountedBytes = 0

  constructor(world: HttpWorld, list: FieldList = new FieldList([]), isMutable = true) {
    super(world)
    this.list = list
    this.#isMutable = isMutable
    this.#account()
  }

  /** @throws WitError header-error */
  static fromList(world: HttpWorld, entries: readonly FieldEntry[]): Fields {
    const fields = new Fields(world)
    try {
      for (const [name, value] of entries) fields.append(name, value)
      return fields
    } catch (error) {
      fields.leave()
      throw error
    }
  }

  get(name: string): Uint8Array[] {
    return this.list.all(name.toLowerCase()).map(bytesOf)
  }

  has(name: string): boolean {
    return this.list.first(name.toLowerCase()) !== undefined
  }

  /** @throws WitError header-error; then nothing has changed */
  set(name: string, values: readonly Uint8Array[]): void {
    const key = this.#settable(name)
    const texts = values.map(checkedValue)
    const before = this.list.all(key)
    const freed = before.reduce((sum, value) => sum + name.length + value.length + pairBytes, 0)
    this.#requireRoom(name, texts, before.length, freed)
    this.list.remove(key)
    for (const text of texts) this.list.append(name, text)
    this.#account()
  }

  /** @throws WitError header-error */
  append(name: string, value: Uint8Array): void {
    const key = this.#settable(name)
    const text = checkedValue(value)
    this.#requireRoom(name, [text], 0, 0)
    this.list.append(this.#spelling(key) ?? name, text)
    this.#account()
  }

  /** @throws WitError header-error */
  delete(name: string): void {
    this.list.remove(this.#deletable(name))
    this.#account()
  }

  /** @throws WitError header-error */
  getAndDelete(name: string): Uint8Array[] {
    const values = this.get(name)
    this.delete(name)
    return values
  }

  copyAll(): FieldEntry[] {
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
  #deletable(name: string): string {
    if (!this.#isMutable) throw new WitError({ tag: 'immutable' })
    if (!isFieldName(name)) throw new WitError({ tag: 'invalid-syntax' })
    return name.toLowerCase()
  }

  #settable(name: string): string {
    const key = this.#deletable(name)
    if (isForbiddenField(key)) throw new WitError({ tag: 'forbidden' })
    return key
  }

  /** All values of one name go out under the spelling that came first. */
  #spelling(key: string): string | undefined {
    const { flat } = this.list
    for (let at = 0; at < flat.length; at += 2) if (flat[at]!.toLowerCase() === key) return flat[at]
    return undefined
  }

  #requireRoom(name: string, texts: readonly string[], freedPairs: number, freedBytes: number): void {
    const bytes = texts.reduce((sum, text) => sum + name.length + text.length + pairBytes, 0)
    const pairs = this.list.flat.length / 2 + texts.length - freedPairs
    if (pairs > httpGuestLimits.fields || this.list.bytes + bytes - freedBytes > httpGuestLimits.fieldBytes)
      throw new WitError({ tag: 'size-exceeded' })
  }

  #account(): void {
    const change = this.list.bytes - this.#accountedBytes
    this.world.spend(change)
    this.#accountedBytes += change
  }
}
