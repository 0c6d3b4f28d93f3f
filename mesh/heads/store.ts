/** The heads a node holds, and the tree by which it compares them with a neighbour's. */
import { headLimits, isNewer, type Head } from './head.ts'
import { HeadTree } from './head-tree.ts'
import type { Summary } from './message.ts'

export class HeadStore {
  readonly #heads = new Map<string, Head>()
  readonly tree = new HeadTree()

  get size(): number {
    return this.#heads.size
  }

  get(key: string): Head | undefined {
    return this.#heads.get(key)
  }

  /** @returns false for a head that is not newer, or one key too many */
  put(head: Head): boolean {
    const current = this.#heads.get(head.key)
    if (!isNewer(head, current)) return false
    if (current === undefined && this.#heads.size >= headLimits.keys) return false
    this.#heads.set(head.key, head)
    this.tree.set(head)
    return true
  }

  /** Forgets the heads whose keys start with `prefix` and are not in `keys`. */
  retain(prefix: string, keys: ReadonlySet<string>): void {
    for (const key of this.#heads.keys()) {
      if (!key.startsWith(prefix) || keys.has(key)) continue
      this.#heads.delete(key)
      this.tree.delete(key)
    }
  }

  summary(): Summary {
    return { count: this.#heads.size, digest: this.tree.digest() }
  }
}
