/** What a release has, for tests that bind interfaces: nothing, but for what is said. */
import { systemClock, systemRandom } from '../../../core/index.ts'
import { networkPolicy, noCalls, type AppContext } from '../../../host/interfaces/index.ts'
import { localTopics } from '../../../host/messages/index.ts'
import { memoryStorage } from '../../../host/storage/index.ts'

export function appContext(overrides: Partial<AppContext> = {}): AppContext {
  const storage = memoryStorage(systemClock)
  const topics = localTopics(systemClock, systemRandom)
  return {
    app: 'test-app',
    version: '1.0.0',
    config: {},
    sensors: new Map(),
    pins: new Map(),
    buckets: new Set(),
    containers: new Set(),
    origins: new Set(),
    callees: new Set(),
    call: noCalls,
    keyValue: () => storage.keyValue('test-app'),
    blobs: () => storage.blobs('test-app'),
    publishes: new Set(),
    topics: () => topics,
    network: networkPolicy([]),
    log: () => {},
    ...overrides,
  }
}
