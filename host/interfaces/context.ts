/** What an interface may use on behalf of one app. */
import type { LogLevel } from '../../core/index.ts'
import type { Pin, Sensor } from '../devices/index.ts'

export interface AppContext {
  readonly app: string
  readonly version: string
  /** The release's settings overlaid by the node owner's. */
  readonly config: Readonly<Record<string, string>>
  /** Only the sensors and pins that the release was granted, by logical name. */
  readonly sensors: ReadonlyMap<string, Sensor>
  readonly pins: ReadonlyMap<string, Pin>
  /** Adds a line to the app's log. */
  log(level: LogLevel, context: string, message: string): void
}
