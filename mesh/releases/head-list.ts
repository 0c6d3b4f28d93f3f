/** The newest release of each app, by app name: kept in order, so that one change among thousands costs one search. */
import type { Digest } from '../../core/index.ts'
import type { SignedRelease } from './signed-release.ts'

export class HeadList<Release extends SignedRelease> {
  readonly #sorted: Release[] = []

  /** @param head null where the app has none any more */
  set(app: string, head: Release | null): void {
    const at = this.#placeOf(app)
    const isThere = this.#sorted[at]?.record.app === app
    this.#sorted.splice(at, isThere ? 1 : 0, ...(head === null ? [] : [head]))
  }

  all(): Release[] {
    return [...this.#sorted]
  }

  /** Where the app is, or would be. */
  #placeOf(app: string): number {
    let low = 0
    let high = this.#sorted.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if ((this.#sorted[middle]?.record.app ?? '') < app) low = middle + 1
      else high = middle
    }
    return low
  }
}

/** Releases by the digest of their signed bytes. */
export class ReleaseIndex<Release extends SignedRelease> {
  readonly #byDigest = new Map<Digest, Release>()

  get(digest: Digest): Release | null {
    return this.#byDigest.get(digest) ?? null
  }

  /** Takes out what was held of an app, and puts in what is held now. */
  replace(before: Iterable<Release>, after: Iterable<Release>): void {
    for (const { digest } of before) this.#byDigest.delete(digest)
    for (const release of after) this.#byDigest.set(release.digest, release)
  }
}
