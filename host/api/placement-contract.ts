/** What the control API says of where apps have their places. */

/** Who has the places of an app, as the asked node sees it. */
export interface PlacementStatus {
  readonly app: string
  readonly version: string
  readonly seq: number
  /** Ids of the nodes. */
  readonly nodes: readonly string[]
  /** Of the asked node's place, where replicas have names. */
  readonly instance: string | null
  /** In words: why the asked node runs it, or does not. */
  readonly why: string
  /** Nodes of its groups whose machines cannot run it, with what they lack in the words of needs; absent where all can. */
  readonly unfit?: readonly { readonly node: string; readonly lacks: readonly string[] }[]
  /** A newer release that waits until its placement can be met. */
  readonly held?: {
    readonly version: string
    readonly seq: number
    readonly code: string
    readonly message: string
    readonly hint: string
  }
}
