import { expect, it } from 'vitest'
import { measureCapabilities } from '../../../host/fit/index.ts'
import { describeNode } from '../../../host/node/description.ts'
import { appStatus, devices, pin, sensor } from './parts.ts'

const capabilities = measureCapabilities({ features: ['simd'] })

it('a node names its sensors, pins and folders, also where two share name and driver, and no path', () => {
  const open = devices(
    [sensor('door', async () => ({ value: 1, timeMs: 0, unit: '' }))],
    [pin('door', async () => false), pin('led', async () => true)],
  )
  const app = appStatus()
  const description = describeNode(
    capabilities,
    open,
    { photos: { path: '/srv/photos', access: 'read' } },
    [app],
    0,
  )
  expect(description.devices).toEqual([
    { kind: 'sensor', name: 'door', driver: 'simulated' },
    { kind: 'pin', name: 'door', driver: 'simulated' },
    { kind: 'pin', name: 'led', driver: 'simulated' },
    { kind: 'folder', name: 'photos', driver: 'read' },
  ])
  expect(description.apps).toEqual([app])
  expect(description).toMatchObject(capabilities)
  expect(description.runtime).toBe(`node ${process.versions.node}`)
})

it('how a component came is told for ten minutes after it runs, and as long as it does not', () => {
  const transfer = { haveBytes: 9, totalBytes: 9, fetchedBytes: 9, via: 'peers', ms: 1 }
  const running = { ...appStatus(), state: 'running' as const, since: 1_000, transfer }
  const told = (app: typeof running, now: number): unknown =>
    describeNode(capabilities, devices([], []), {}, [app], now).apps[0]?.transfer
  expect(told(running, 601_000)).toEqual(transfer)
  expect(told(running, 601_001)).toBeUndefined()
  expect(told({ ...running, state: 'fetching' as never }, 900_000)).toEqual(transfer)
})
