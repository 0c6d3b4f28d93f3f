import { expect, it } from 'vitest'
import { supportedFeatures } from '../../../host/engine/index.ts'
import { describeNode } from '../../../host/node/description.ts'
import { appStatus, devices, pin, sensor } from './parts.ts'

it('a node names its sensors and its pins, also where two share name and driver', () => {
  const open = devices(
    [sensor('door', async () => ({ value: 1, timeMs: 0, unit: '' }))],
    [pin('door', async () => false), pin('led', async () => true)],
  )
  const app = appStatus()
  const description = describeNode(open, [app])
  expect(description.devices).toEqual([
    { kind: 'sensor', name: 'door', driver: 'simulated' },
    { kind: 'pin', name: 'door', driver: 'simulated' },
    { kind: 'pin', name: 'led', driver: 'simulated' },
  ])
  expect(description.apps).toEqual([app])
  expect(description.features).toEqual(supportedFeatures())
  expect(description.runtime).toBe(`node ${process.versions.node}`)
})
