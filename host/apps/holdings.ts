/** What an app keeps on this node beside its instances, and how much of it it may: stores and writable folders. */
import type { Quotas, ReleaseRecord } from '../../mesh/index.ts'
import type { AppHoldings, Holding } from '../api/index.ts'
import type { SpaceAmount } from '../guest/index.ts'
import { grantedNames } from '../interfaces/index.ts'
import type { AskedStorage, Storage, StoreAmount } from '../storage/index.ts'
import type { FolderSpaces } from './folder-space.ts'

export function storageAsked(quotas: Quotas = {}): AskedStorage {
  const { keyValueBytes, keyValueKeys, blobBytes, blobObjects } = quotas
  return { keyValue: amountOf(keyValueBytes, keyValueKeys), blobs: amountOf(blobBytes, blobObjects) }
}

export function folderSpaceAsked({ folderBytes, folderFiles }: Quotas = {}): Partial<SpaceAmount> {
  return amountOf(folderBytes, folderFiles)
}

function amountOf(bytes: number | undefined, items: number | undefined): Partial<StoreAmount> {
  return { ...(bytes !== undefined && { bytes }), ...(items !== undefined && { items }) }
}

/** Of what it was granted. */
export function holdingsOf(
  { app, grants, quotas }: ReleaseRecord,
  storage: Storage,
  spaces: FolderSpaces,
): AppHoldings {
  const { keyValue, blobs } = storage.report(app)
  const folders = spaces.report(grantedNames(grants, 'folder'), folderSpaceAsked(quotas))
  return {
    ...(grantedNames(grants, 'keyvalue').length > 0 && { keyvalue: holdingOf(keyValue) }),
    ...(grantedNames(grants, 'blobstore').length > 0 && { blobstore: holdingOf(blobs) }),
    folders: Object.fromEntries(Object.entries(folders).map(([name, report]) => [name, holdingOf(report)])),
  }
}

interface Report {
  readonly held: SpaceAmount | null
  readonly allowed: SpaceAmount
}

function holdingOf({ held, allowed }: Report): Holding {
  const { bytes, items } = allowed
  return { bytes: held?.bytes ?? null, items: held?.items ?? null, maxBytes: bytes, maxItems: items }
}
