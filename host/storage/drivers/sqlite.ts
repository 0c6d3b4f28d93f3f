/** `driver = "sqlite"`: one file for each app, `keyvalue/APP.sqlite` in the node's folder. */
import * as v from 'valibot'
import { every } from '../../../core/index.ts'
import { keyValueLimits } from '../limits.ts'
import { settle } from '../snapshots/placing.ts'
import { SqliteStore } from '../sqlite/store.ts'
import { StorageThread } from '../sqlite/thread.ts'
import { rulesFor } from '../time-to-live.ts'
import type { KeyValueDriver } from './contract.ts'
import { once } from './once.ts'
import { durabilityField } from './options.ts'

const options = v.strictObject({ durability: durabilityField })

/** Entries that outlived their time are seen by nobody; this is when they give back their room. */
const sweepEveryMs = 30_000
/** How much a power cut may take where durability is `normal`. */
const flushEveryMs = 1_000

export const sqliteDriver: KeyValueDriver<v.InferOutput<typeof options>> = {
  kind: 'sqlite',
  summary: 'a file for each app on this disk',
  options,
  open({ durability }, { folder, clock, lifeRules, memory }) {
    const thread = new StorageThread(keyValueLimits, memory)
    const stores: SqliteStore[] = []
    const timers = [every(clock, sweepEveryMs, () => stores.forEach((store) => void store.sweep()))]
    if (durability === 'normal')
      timers.push(every(clock, flushEveryMs, () => stores.forEach((store) => void store.flush())))
    return {
      store(app) {
        const rules = rulesFor(app, lifeRules)
        const path = once(async () => {
          await settle(folder.path, app)
          return `${(await folder.folder('keyvalue')).path}/${app}.sqlite`
        })
        const store = new SqliteStore(thread, path, { durability, rules })
        stores.push(store)
        return store
      },
      save: (store, path) => (store as SqliteStore).saveTo(path),
      adopt: (store, path) => (store as SqliteStore).adopt(path),
      async close() {
        for (const stop of timers) stop()
        await thread.close()
      },
    }
  },
}
