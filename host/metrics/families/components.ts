/** What components take of the node's disk. */
import type { ComponentRoom } from '../../api/index.ts'
import type { MetricFamily, Sample } from '../contract.ts'

/** Nothing where it is not known, and where there is no limit. */
const samplesOf = (value: number | null | undefined): Sample[] =>
  value === null || value === undefined ? [] : [{ value }]

function family(
  name: string,
  type: 'counter' | 'gauge',
  help: string,
  part: keyof ComponentRoom,
): MetricFamily {
  return { name, help, type, read: ({ components }) => samplesOf(components?.[part]) }
}

export const componentFamilies: readonly MetricFamily[] = [
  family(
    'selvedge_component_store_bytes',
    'gauge',
    'Bytes of components on the disk, those of older releases included',
    'usedBytes',
  ),
  family(
    'selvedge_component_store_limit_bytes',
    'gauge',
    'Bytes that components may take of the disk',
    'quotaBytes',
  ),
  family(
    'selvedge_component_store_evicted_bytes_total',
    'counter',
    'Bytes of components that no release needed and that made room for others',
    'evictedBytes',
  ),
]
