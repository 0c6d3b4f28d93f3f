/** Versions 1 to now of a mesh's trust, and what they say of keys. */
import { hexOf, sameBytes } from './fields.ts'
import type { RevocationAuthority } from './revocation-view.ts'
import type { PublisherEntry, TrustBundle } from './trust-bundle.ts'
import { rootsAmong } from './trust-rules.ts'

export class TrustHistory implements RevocationAuthority {
  #chain: readonly TrustBundle[]
  /** Each once. They are few, and asked for thousands of times: comparing is faster than naming. */
  #admins: readonly Uint8Array[] = []
  #publishers = new Map<string, PublisherEntry[]>()

  constructor(chain: readonly TrustBundle[]) {
    this.#chain = chain
    this.#read()
  }

  get chain(): readonly TrustBundle[] {
    return this.#chain
  }

  get current(): TrustBundle | null {
    return this.#chain.at(-1) ?? null
  }

  replace(chain: readonly TrustBundle[]): void {
    this.#chain = chain
    this.#read()
  }

  isAdmin(key: Uint8Array): boolean {
    const wanted = hexOf(key)
    return this.current?.record.admins.some((admin) => hexOf(admin) === wanted) ?? false
  }

  wasAdmin(key: Uint8Array): boolean {
    return this.#admins.some((admin) => sameBytes(admin, key))
  }

  publisher(key: Uint8Array): PublisherEntry | null {
    const wanted = hexOf(key)
    return this.current?.record.publishers.find((entry) => hexOf(entry.key) === wanted) ?? null
  }

  /** What this key could publish in each version that names it. */
  pastPublishers(key: Uint8Array): readonly PublisherEntry[] {
    return this.#publishers.get(hexOf(key)) ?? []
  }

  wasPublisher(key: Uint8Array): boolean {
    return this.#publishers.has(hexOf(key))
  }

  /** Do these keys satisfy the threshold of any version? */
  areRoots(keys: readonly Uint8Array[]): boolean {
    return this.#chain.some(({ record }) => rootsAmong(record, keys) >= record.threshold)
  }

  #read(): void {
    const admins = this.#chain.flatMap(({ record }) => record.admins)
    this.#admins = [...new Map(admins.map((key) => [hexOf(key), key])).values()]
    this.#publishers = new Map()
    for (const { record } of this.#chain) {
      for (const entry of record.publishers) {
        const key = hexOf(entry.key)
        this.#publishers.set(key, [...(this.#publishers.get(key) ?? []), entry])
      }
    }
  }
}
