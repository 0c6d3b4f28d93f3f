/**
 * Apps that asked for a shared thread and are not let into one any more: their start held it. Known by app and
 * component, so that the next release is tried anew; forgotten when the node ends.
 */
import type { StartRequest } from './contract.ts'

/** More than a node runs; the oldest goes first, which costs one more trial. */
const maxApart = 1_024

export class Apart {
  readonly #keys = new Set<string>()

  has(request: StartRequest): boolean {
    return this.#keys.has(keyOf(request))
  }

  add(request: StartRequest): void {
    const [oldest] = this.#keys
    if (oldest !== undefined && this.#keys.size >= maxApart) this.#keys.delete(oldest)
    this.#keys.add(keyOf(request))
  }
}

/** The name of an entry has no space in it, whatever is in the app's. */
function keyOf({ app, prepared }: StartRequest): string {
  return `${prepared.entry} ${app}`
}
