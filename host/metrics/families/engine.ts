/** How the node came by its instances. */
import type { MetricFamily } from '../contract.ts'
import { byName } from '../samples.ts'

export const engineFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_instance_starts_total',
    help: 'Instances started: cold, with a thread or process of their own; template, in a spare one; shared, in one of their publisher',
    type: 'counter',
    labels: ['kind'],
    read: ({ starts }) => byName({ ...starts }, 'kind'),
  },
]
