/** What a release asks of its nodes, in the words of its record. */
export interface ReleaseTerms {
  readonly grants: readonly string[]
  readonly groups: readonly string[]
  readonly triggers: readonly {
    readonly kind: string
    readonly [option: string]: string | number | boolean
  }[]
  readonly config: Readonly<Record<string, string>>
  readonly limits: object
  /** What is not in them is the node's choice. */
  readonly quotas: object
  /** Absent from nodes of before. */
  readonly placement?: object
  readonly calls?: object
  readonly topics?: Readonly<Record<string, { readonly scope: 'node' | 'group' | 'mesh' }>>
  /** Interfaces that it imports, and the apps that answer them. */
  readonly links?: Readonly<Record<string, string>>
  /** Buckets that a group shares. */
  readonly stores?: Readonly<Record<string, { readonly scope: string }>>
  readonly instances: object
  readonly args: readonly string[]
}
