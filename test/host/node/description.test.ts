import { expect, it } from 'vitest'
import { supportedFeatures } from '../../../host/engine/index.ts'
import { describeNode } from '../../../host/node/description.ts'
import { appStatus, devices, pin, sensor } from './parts.ts'

it('a node names its sensors, pins and folders, also where two share name and driver, and no path', () => {
  const open = devices(
    [sensor('door', async () => ({ value: 1, timeMs: 0, unit: '' }))],
    [pin('door', async () => false), pin('led', async () => true)],
  )
  const app = appStatus()
  const description = describeNode(open, { photos: { path: '/srv/photos', access: 'read' } }, [app])
  expect(description.devices).toEqual([
    { kind: 'sensor', name: 'door', driver: 'simulated' },
    { kind: 'pin', name: 'door', driver: 'simulated' },
    { kind: 'pin', name: 'led', driver: 'simulated' },
    { kind: 'folder', name: 'photos', driver: 'read' },
  ])
  expect(description.apps).toEqual([app])
  expect(description.features).toEqual(supportedFeatures())
  expect(description.runtime).toBe(`node ${process.versions.node}`)
})
