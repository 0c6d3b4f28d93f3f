/** What a node says of itself in its record: the machine, its devices, its apps. */
import type { NodeDescription } from '../../mesh/index.ts'
import type { AppStatus } from '../api/index.ts'
import type { NodeFolders } from '../apps/index.ts'
import type { Devices, NamedBus } from '../devices/index.ts'
import type { Capabilities } from '../fit/index.ts'
import { version } from '../version.ts'

/** How a component came is of interest while people watch; later it would only make every record of this node larger. */
const transferToldMs = 10 * 60_000

/**
 * A sensor and a pin may share a name; they are two devices. Of a folder the mesh learns name and access, as its
 * driver; where it lies is the owner's business.
 * @param now wall clock, ms, as the apps' `since`
 */
export function describeNode(
  capabilities: Capabilities,
  devices: Pick<Devices, 'states'>,
  folders: NodeFolders,
  apps: readonly AppStatus[],
  now: number,
  pause: NodeDescription['pause'] | null = null,
  topics: readonly string[] = [],
  buses: ReadonlyMap<string, Pick<NamedBus, 'name' | 'driver'>> = new Map(),
): NodeDescription {
  return {
    ...capabilities,
    runtime: `node ${process.versions.node}`,
    version,
    devices: [
      ...devices.states().map(({ kind, name, driver, health: { state } }) => ({
        kind,
        name,
        driver,
        ...(state !== 'ok' && { health: state }),
      })),
      ...[...buses.values()].map(({ name, driver }) => ({ kind: 'i2c' as const, name, driver })),
      ...Object.entries(folders).map(([name, { access }]) => ({
        kind: 'folder' as const,
        name,
        driver: access,
      })),
    ],
    apps: apps.map((app) => (isOld(app, now) ? withoutTransfer(app) : app)),
    ...(pause !== null && { pause }),
    ...(topics.length > 0 && { topics }),
  }
}

function isOld({ state, since }: AppStatus, now: number): boolean {
  return state === 'running' && now - since > transferToldMs
}

function withoutTransfer(app: AppStatus): AppStatus {
  const { transfer, ...rest } = app
  return transfer === undefined ? app : rest
}
