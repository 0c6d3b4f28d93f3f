/**
 * A WIT interface that this node offers to guests: one folder each, one line in `interfaces/index.ts`.
 */
import type { BoundChannel, BoundFunction, InterfaceId } from '../engine/index.ts'
import type { AppContext } from './context.ts'

export interface InterfaceOffer {
  readonly id: InterfaceId
  /** For `selvedge interfaces` and refusals: what it lets an app do. */
  readonly summary: string
  /**
   * The kind of grant that opens it, e.g. `sensor` for `sensor:light`; null where it reaches nothing outside
   * the app and is therefore always given.
   */
  readonly grantKind: string | null
  /** A kind of grant that an interface, given to all, does more with: `network`. */
  readonly allowedBy?: string
  /** The list under `[grants]` that makes such grants, where it is not the kind with an s. */
  readonly grantList?: string
  /** What stands in such a grant, where it is no name that a component uses: `https://HOST`. */
  readonly grantTakes?: string
  /** The part inside the sandbox that it is the node's half of; see `BoundInterface`. */
  readonly part?: string
  bind(context: AppContext): Readonly<Record<string, BoundFunction | BoundChannel>>
}
