/** What the control API says of a component that was handed in, before anything is signed. */

/** What the node found in an uploaded component. */
export interface UploadReport {
  readonly digest: string
  readonly sizeBytes: number
  readonly chunks: { readonly digest: string; readonly sizeBytes: number }
  readonly imports: readonly string[]
  readonly exports: readonly string[]
  /** WebAssembly features that it uses, for the record; a node of an earlier version does not say. */
  readonly features?: readonly string[]
  /** Linear memory of one instance, for the record; a node of an earlier version does not say, as what follows. */
  readonly memory?: { readonly startBytes: number; readonly maxBytes?: number | undefined }
  /** SHA-256 over the types of what it exports, to compare variants by; null where they are not known. */
  readonly exportTypes?: string | null
  /** What has to travel to a node; a node of an earlier version does not say. */
  readonly moves?: {
    /** To one that has nothing of it. */
    readonly fullBytes: number
    /** At most, to one that has the release before; null where there is none, or its parts are not on this node's disk. */
    readonly updateBytes: number | null
  }
}
