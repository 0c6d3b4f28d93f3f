/** Stand-ins for what the composed node is made of: a mesh with two members, one app, and devices that answer. */
import type { Devices, Pin, PinState, Sensor, SensorState } from '../../../host/devices/index.ts'
import type { AppStatus } from '../../../host/api/index.ts'
import type { MemberView, NodeReport, Opinion } from '../../../mesh/index.ts'

export const alive: Opinion = {
  verdict: 'alive',
  why: 'answers its probes',
  sinceMs: 4_000,
  rttMs: 1.5,
  votes: [],
}

export function member(name: string, changes: Partial<MemberView> = {}): MemberView {
  return {
    id: `id-${name}`,
    name,
    groups: ['lobby'],
    roles: [],
    credential: 'cc'.repeat(32),
    opinion: alive,
    held: null,
    ...changes,
  }
}

/** The record of a member, heard at `receivedAtMs`. */
export function heard(report: Partial<NodeReport>, receivedAtMs: number | null): MemberView['held'] {
  return { record: { report }, receivedAtMs } as unknown as MemberView['held']
}

export function appStatus(changes: Partial<AppStatus> = {}): AppStatus {
  return {
    app: 'light-alarm',
    version: '1.0.0',
    seq: 1,
    state: 'running',
    since: 1_000,
    failures: 0,
    ...changes,
  }
}

export function sensor(name: string, read: Sensor['read'], driver = 'simulated'): Sensor {
  return { name, driver, unit: 'lx', range: null, resolution: null, read, close: async () => {} }
}

export function pin(name: string, read: Pin['read'], driver = 'simulated'): Pin {
  return {
    name,
    driver,
    direction: 'out',
    read,
    write: async () => {},
    edges: () => [],
    watch: () => () => {},
    close: async () => {},
  }
}

export function devices(sensors: readonly Sensor[], pins: readonly Pin[]): Devices {
  return {
    sensors: new Map(sensors.map((each) => [each.name, each])),
    pins: new Map(pins.map((each) => [each.name, each])),
    states: () => [...sensors.map(sensorState), ...pins.map(pinState)],
    onChange: () => () => {},
    close: async () => {},
  }
}

const well = {
  health: { state: 'ok', sinceMs: 0, why: '' },
  counts: { answers: 0, refused: 0, failures: 0, openings: 1 },
} as const

/** As a sensor that was never read has it; what it was read is not known here. */
function sensorState({ name, driver, unit, range, resolution }: Sensor): SensorState {
  return { kind: 'sensor', name, driver, unit, range, resolution, last: null, recent: [], ...well }
}

function pinState({ name, driver, direction }: Pin): PinState {
  return { kind: 'pin', name, driver, direction, ...well }
}
