/** What apps have stored on this node, for the control API: read, changed by hand, taken away and put back. */
import { isSelvedgeError } from '../../core/index.ts'
import type { DataDesk, DataIntent, DataReceipt } from '../api/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import type { KeyValueStore, SharedPart, Storage } from '../storage/index.ts'
import { nodeProblems } from './problems.ts'

export interface DataDeskNeeds {
  readonly storage: Storage
  readonly apps: Pick<AppSupervisor, 'local' | 'hold'>
  /** Grants of the newest release of an app that this node knows of; null where it knows of none. */
  grantsOf(app: string): readonly string[] | null
  /** The app's entries, with those that its group shares. */
  entriesOf(app: string): KeyValueStore
  /** null where its group shares nothing. */
  sharedOf(app: string): SharedPart | null
}

type Kind = 'bucket' | 'container'
const grantOf: Readonly<Record<Kind, string>> = { bucket: 'keyvalue:', container: 'blobstore:' }
/** States in which an app has its stores to itself. */
const running: ReadonlySet<string> = new Set(['starting', 'running'])

export function dataDesk({ storage, apps, grantsOf, entriesOf, sharedOf }: DataDeskNeeds): DataDesk {
  const storesOf = (app: string): { kind: Kind; name: string }[] => {
    const grants = grantsOf(app)
    if (grants === null)
      throw nodeProblems.error('ERR_APP_UNKNOWN', `this node knows of no release of ${app}`)
    return (['bucket', 'container'] as const).flatMap((kind) =>
      grants
        .filter((grant) => grant.startsWith(grantOf[kind]))
        .map((grant) => ({ kind, name: grant.slice(grantOf[kind].length) })),
    )
  }
  const kindsOf = (app: string, store: string): Kind[] => {
    const all = storesOf(app)
    const kinds = all.filter(({ name }) => name === store).map(({ kind }) => kind)
    if (kinds.length > 0) return kinds
    const names = [...new Set(all.map(({ name }) => name))].join(', ')
    throw nodeProblems.error('ERR_DATA_STORE', `${app} is granted no bucket and no container ${store}`, {
      hint: names === '' ? 'its release is granted none at all' : `it is granted ${names}`,
    })
  }
  return {
    report(app) {
      const { keyValue, blobs } = (storesOf(app), storage.report(app))
      return { app, stores: storesOf(app), keyValue: keyValue.held, blobs: blobs.held }
    },
    async page(app, store, cursor) {
      const kinds = kindsOf(app, store)
      const isObjects = cursor === null ? !kinds.includes('bucket') : cursor.startsWith(objectCursor)
      if (!isObjects) {
        const page = await entriesOf(app).keys(store, cursor)
        const next = page.cursor ?? (kinds.includes('container') ? objectCursor : null)
        return { app, store, keys: page.keys, objects: [], cursor: next }
      }
      const blobs = storage.blobs(app)
      if (!(await blobs.hasContainer(store))) return { app, store, keys: [], objects: [], cursor: null }
      const from = cursor === null || cursor === objectCursor ? null : cursor.slice(objectCursor.length)
      const page = await blobs.objects(store, from)
      const objects = []
      for (const name of page.names) {
        const found = await blobs.object(store, name).catch(goneMeanwhile)
        if (found !== null) objects.push({ name, sizeBytes: found.sizeBytes, digest: found.digest })
      }
      return {
        app,
        store,
        keys: [],
        objects,
        cursor: page.cursor === null ? null : objectCursor + page.cursor,
      }
    },
    change: (intent) => change(intent),
  }

  async function change(intent: DataIntent): Promise<DataReceipt> {
    const { app } = intent
    if (intent.action === 'snapshot') {
      storesOf(app)
      return { action: 'snapshot', ...(await storage.snapshot(app, intent.path, sharedOf(app))) }
    }
    if (intent.action === 'restore') return restored(intent)
    const { store, key } = intent
    const isBucket = kindsOf(app, store).includes('bucket')
    if (!isBucket) throw nodeProblems.error('ERR_DATA_STORE', `${store} of ${app} is no bucket`)
    const entries = entriesOf(app)
    if (intent.action === 'get') {
      const found = await entries.get(store, key)
      const value = found === null ? null : Buffer.from(found.value).toString('base64')
      return { action: 'get', app, store, key, value }
    }
    if (intent.action === 'set')
      await entries.set(store, key, new Uint8Array(Buffer.from(intent.value, 'base64')))
    else await entries.delete(store, key)
    return { action: intent.action, app, store, key }
  }

  async function restored({
    app,
    path,
    stop,
    anyGroup = false,
  }: Extract<DataIntent, { action: 'restore' }>): Promise<DataReceipt> {
    storesOf(app)
    const isRunning = apps.local().some((one) => one.app === app && running.has(one.state))
    if (isRunning && !stop)
      throw nodeProblems.error(
        'ERR_APP_RUNS',
        `${app} runs here, and would go on with what it had read before`,
      )
    // Nobody is stopped for a file that is none.
    await storage.checkSnapshot(app, path, sharedOf(app), { anyGroup })
    const resume = await apps.hold(app)
    try {
      return { action: 'restore', ...(await storage.restore(app, path, sharedOf(app), { anyGroup })) }
    } finally {
      resume()
    }
  }
}

/** The app goes on while its objects are listed. */
function goneMeanwhile(error: unknown): null {
  if (
    isSelvedgeError(error) &&
    (error.code === 'ERR_OBJECT_MISSING' || error.code === 'ERR_CONTAINER_MISSING')
  )
    return null
  throw error
}

/** Before the cursors of objects: a store may be a bucket and a container by one name. */
const objectCursor = 'objects:'
