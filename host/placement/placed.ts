/** What placement is given of a release, and what it says of an app. */
import type { Digest, SelvedgeError } from '../../core/index.ts'
import type { ReleaseRecord } from '../../mesh/index.ts'
import type { Misfit } from './misfits.ts'

export interface PlacedRelease {
  readonly record: ReleaseRecord
  readonly digest: Digest
}

export interface Placed<Release extends PlacedRelease> {
  readonly app: string
  /** What is placed: the newest that is not held. */
  readonly release: Release
  readonly runsHere: boolean
  /** It would be the next to run it. */
  readonly standsBy: boolean
  /** `APP-0`, where the release asks for names and this node has a place. */
  readonly instance: string | null
  /** Who has its places, by id, sorted; this node among them where it has one. */
  readonly nodes: readonly string[]
  /** Members of its groups whose machines cannot run it, with what they lack. */
  readonly unfit: readonly Misfit[]
  /** An older one that goes on here, as this node cannot run the newest; null where there is none. */
  readonly stays: Release | null
  /** In words, for people. */
  readonly why: string
  /** Why a newer release waits. */
  readonly held: { readonly version: string; readonly seq: number; readonly error: SelvedgeError } | null
}
