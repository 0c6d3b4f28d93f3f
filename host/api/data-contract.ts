/** What the control API says of what an app has stored on this node, and does with it. */
import type { SnapshotReport } from '../storage/index.ts'

export type { SnapshotReport } from '../storage/index.ts'

export const dataRoutes = {
  /** ?app=&store=&cursor= : DataReport of an app, or DataPage of one of its stores */
  data: 'GET /v1/data',
  /** body: a DataIntent ; answers with a DataReceipt */
  changeData: 'POST /v1/data',
} as const

export interface DataReport {
  readonly app: string
  /** Buckets and containers that its release is granted. */
  readonly stores: readonly { readonly kind: 'bucket' | 'container'; readonly name: string }[]
  /** null before the app first used it since the node's start. */
  readonly keyValue: { readonly items: number; readonly bytes: number } | null
  readonly blobs: { readonly items: number; readonly bytes: number } | null
}

export interface DataPage {
  readonly app: string
  readonly store: string
  readonly keys: readonly string[]
  readonly objects: readonly {
    readonly name: string
    readonly sizeBytes: number
    readonly digest: string | null
  }[]
  /** For the next page; null where there is none. */
  readonly cursor: string | null
}

export type DataIntent =
  | { readonly action: 'get' | 'delete'; readonly app: string; readonly store: string; readonly key: string }
  | {
      readonly action: 'set'
      readonly app: string
      readonly store: string
      readonly key: string
      /** In base64. */
      readonly value: string
    }
  | { readonly action: 'snapshot'; readonly app: string; readonly path: string }
  | {
      readonly action: 'restore'
      readonly app: string
      readonly path: string
      readonly stop: boolean
      /** Joins in what a group shared also where it is another one's, or the file does not say whose. */
      readonly anyGroup?: boolean
    }

export type DataReceipt =
  | {
      readonly action: 'get'
      readonly app: string
      readonly store: string
      readonly key: string
      readonly value: string | null
    }
  | { readonly action: 'set' | 'delete'; readonly app: string; readonly store: string; readonly key: string }
  | ({ readonly action: 'snapshot' | 'restore' } & SnapshotReport)

export interface DataDesk {
  /** @throws ERR_APP_UNKNOWN */
  report(app: string): DataReport
  /** @throws ERR_APP_UNKNOWN, ERR_DATA_STORE, and what the store says */
  page(app: string, store: string, cursor: string | null): Promise<DataPage>
  /** @throws the same, and ERR_APP_RUNS where something is put back under an app that runs */
  change(intent: DataIntent): Promise<DataReceipt>
}
