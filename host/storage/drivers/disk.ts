/** `driver = "disk"`: one file for each object, in `blobs/APP` of the node's folder. */
import * as v from 'valibot'
import { openDiskBlobs } from '../blobs/disk.ts'
import { LazyBlobs } from '../blobs/lazy.ts'
import { settle } from '../snapshots/placing.ts'
import { blobLimits } from '../limits.ts'
import type { BlobDriver } from './contract.ts'
import { durabilityField } from './options.ts'

const options = v.strictObject({ durability: durabilityField })

export const diskDriver: BlobDriver<v.InferOutput<typeof options>> = {
  kind: 'disk',
  summary: 'a file for each object on this disk',
  options,
  open: ({ durability }, { folder, clock }) => ({
    store: (app) =>
      new LazyBlobs(async () => {
        await settle(folder.path, app)
        const path = `${(await folder.folder('blobs')).path}/${app}`
        return openDiskBlobs(path, clock, blobLimits, durability)
      }),
    save: (store, path) => (store as LazyBlobs).saveTo(path),
    adopt: (store, path) => (store as LazyBlobs).adopt(path),
    close: async () => {},
  }),
}
