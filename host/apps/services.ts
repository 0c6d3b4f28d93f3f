/**
 * What a node has for its apps: handed on whole to whatever gives an app its interfaces and its triggers. A new service
 * is one field here, one line where the node is wired, and one where it is used.
 */
import type { Devices, NamedBus } from '../devices/index.ts'
import type { ReleaseRecord } from '../../mesh/index.ts'
import type { AppContext } from '../interfaces/index.ts'
import type { Queues } from '../queue/index.ts'
import type { Topics } from '../messages/index.ts'
import type { KeyValueStore, Storage } from '../storage/index.ts'
import type { PeerChanges } from '../triggers/index.ts'
import type { NodeFolders } from './folders.ts'

export interface AppServices {
  readonly devices: Pick<Devices, 'sensors' | 'pins'>
  /** I²C buses by name; none where it is left out. */
  readonly buses?: ReadonlyMap<string, NamedBus>
  /** Named by the node's owner for apps that are granted them. */
  readonly folders: NodeFolders
  readonly storage: Storage
  /** Buckets that are one for a group of nodes; absent where there is no mesh around. */
  readonly replicas?: { storeOf(record: ReleaseRecord, own: KeyValueStore): KeyValueStore }
  /** What must arrive: events that are handled at least once. */
  readonly queues: Queues
  /** Nodes that join and are lost; absent where there is no mesh around. */
  readonly peers?: PeerChanges
  /** Messages to and from other apps, wherever they run; absent where there is nothing around. */
  readonly topics?: Topics
  /** Calls of other apps' functions; absent where there is no mesh around. */
  readonly call?: AppContext['call']
}

/** The app's key-value store: its own, but for the buckets that its release shares. */
export function keyValueOf(
  { storage, replicas }: Pick<AppServices, 'storage' | 'replicas'>,
  record: ReleaseRecord,
): KeyValueStore {
  const own = storage.keyValue(record.app)
  return replicas?.storeOf(record, own) ?? own
}
