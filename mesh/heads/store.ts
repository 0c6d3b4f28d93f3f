/** The heads a node holds, in key order, with the summary that two neighbours compare. */
import { digestOf } from '../../core/index.ts'
import { headLimits, isNewer, type Head, type HeadId } from './head.ts'
import { messageLimits, type HeadMessage, type Summary } from './message.ts'

export class HeadStore {
  readonly #heads = new Map<string, Head>()
  #keys: string[] | null = null
  #summary: Summary | null = null

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
    if (current === undefined) {
      if (this.#heads.size >= headLimits.keys) return false
      this.#keys = null
    }
    this.#heads.set(head.key, head)
    this.#summary = null
    return true
  }

  /** Forgets the heads whose keys start with `prefix` and are not in `keys`. */
  retain(prefix: string, keys: ReadonlySet<string>): void {
    for (const key of this.#heads.keys()) {
      if (!key.startsWith(prefix) || keys.has(key)) continue
      this.#heads.delete(key)
      this.#keys = null
      this.#summary = null
    }
  }

  summary(): Summary {
    if (this.#summary === null) {
      const lines = this.#sorted().map((key) => {
        const { order, digest } = this.#heads.get(key) as Head
        return `${key} ${order[0]} ${order[1]} ${digest}\n`
      })
      this.#summary = { count: lines.length, digest: digestOf(new TextEncoder().encode(lines.join(''))) }
    }
    return this.#summary
  }

  /** Everything, as pages for the wire. */
  pages(): HeadMessage[] {
    const keys = this.#sorted()
    const pages: HeadMessage[] = []
    for (let at = 0; at === 0 || at < keys.length; at += messageLimits.idsPerMessage) {
      const page = keys.slice(at, at + messageLimits.idsPerMessage)
      const isLast = at + messageLimits.idsPerMessage >= keys.length
      pages.push({
        t: 'list',
        after: at === 0 ? '' : (keys[at - 1] ?? ''),
        ids: page.map((key) => this.#idOf(key)),
        isLast,
      })
    }
    return pages
  }

  /** What a neighbour with this page lacks or has in an older version. */
  aheadOf(page: Extract<HeadMessage, { t: 'list' }>): HeadId[] {
    const theirs = new Map(page.ids.map((id) => [id.key, id]))
    const end = page.ids.at(-1)?.key ?? page.after
    return this.#sorted()
      .filter((key) => key > page.after && (page.isLast || key <= end))
      .map((key) => this.#idOf(key))
      .filter((id) => isNewer(id, theirs.get(id.key)))
  }

  #idOf(key: string): HeadId {
    const { order, digest } = this.#heads.get(key) as Head
    return { key, order, digest }
  }

  #sorted(): string[] {
    this.#keys ??= [...this.#heads.keys()].sort()
    return this.#keys
  }
}
