/** The node itself: what it is, since when it runs, and what is wrong with it. */
import type { MetricFamily } from '../contract.ts'
import { countEach } from '../samples.ts'

export const nodeFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_build_info',
    help: 'Version of Selvedge and of Node.js, and the architecture that they run on; always 1',
    type: 'gauge',
    labels: ['version', 'node', 'arch'],
    read: ({ version, node, arch }) => [{ labels: { version, node, arch }, value: 1 }],
  },
  {
    name: 'selvedge_start_time_seconds',
    help: 'When the node started, since the Unix epoch, by the clock of its device',
    type: 'gauge',
    read: ({ startedAtMs }) => [{ value: startedAtMs / 1_000 }],
  },
  {
    name: 'selvedge_uptime_seconds',
    help: 'How long the node has run, right also where the clock of its device is wrong',
    type: 'gauge',
    read: ({ uptimeMs }) => [{ value: uptimeMs / 1_000 }],
  },
  {
    name: 'selvedge_disk_written_bytes_total',
    help: 'What the kernel wrote to disks for the daemon and the processes that it started, in whole pages',
    type: 'counter',
    read: ({ writtenBytes }) => [{ value: writtenBytes }],
  },
  {
    name: 'selvedge_problems',
    help: 'What is wrong now, by the code that selvedge explain takes',
    type: 'gauge',
    labels: ['code'],
    read: ({ problems }) => countEach(problems, 'code'),
  },
]
