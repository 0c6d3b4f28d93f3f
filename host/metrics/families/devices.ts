/** How the sensors and pins of this node are. What they read is for apps: a series of its own unit needs a name of its own. */
import type { DeviceCounts, DeviceState, HealthState } from '../../devices/index.ts'
import type { MetricFamily, Sample, Snapshot } from '../contract.ts'

const states: readonly HealthState[] = ['ok', 'stale', 'missing', 'faulty']
const labels = ['kind', 'device'] as const

const labelsOf = ({ kind, name }: DeviceState): Sample['labels'] => ({ kind, device: name })

function counter(name: string, help: string, count: keyof DeviceCounts): MetricFamily {
  const read = ({ devices }: Snapshot): Sample[] =>
    devices.map((device) => ({ labels: labelsOf(device), value: device.counts[count] }))
  return { name, help, type: 'counter', labels, read }
}

export const deviceFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_device_health',
    help: '1 for the state that the sensor or pin is in, 0 for every other',
    type: 'gauge',
    labels: [...labels, 'state'],
    read: ({ devices }) =>
      devices.flatMap((device) =>
        states.map((state) => ({
          labels: { ...labelsOf(device), state },
          value: device.health.state === state ? 1 : 0,
        })),
      ),
  },
  counter(
    'selvedge_device_answers_total',
    'Readings that were good, and uses of a pin that worked',
    'answers',
  ),
  counter(
    'selvedge_device_refused_total',
    'Readings and edges that were refused: no number, out of range, or too many',
    'refused',
  ),
  counter(
    'selvedge_device_failures_total',
    'Readings and uses of a pin that came to nothing: an error of the driver, or silence',
    'failures',
  ),
  counter('selvedge_device_openings_total', 'Times that the device was opened', 'openings'),
  {
    name: 'selvedge_device_last_reading_timestamp_seconds',
    help: 'Unix time of the last good reading of the sensor, by this node’s clock',
    type: 'gauge',
    labels: ['device'],
    read: ({ devices }) =>
      devices.flatMap((device) =>
        device.kind === 'pin' || device.last === null
          ? []
          : [{ labels: { device: device.name }, value: device.last.reading.timeMs / 1_000 }],
      ),
  },
]
