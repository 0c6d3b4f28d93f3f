/** The daemon's process: processor, memory, event loop. What apps do in processes of their own is not in it. */
import type { MetricFamily } from '../contract.ts'

export const processFamilies: readonly MetricFamily[] = [
  {
    name: 'selvedge_process_cpu_seconds_total',
    help: 'Processor time of the daemon and of the apps that run in threads of it',
    type: 'counter',
    labels: ['mode'],
    read: ({ process }) => [
      { labels: { mode: 'user' }, value: process.cpuUserMs / 1_000 },
      { labels: { mode: 'system' }, value: process.cpuSystemMs / 1_000 },
    ],
  },
  {
    name: 'selvedge_process_resident_memory_bytes',
    help: 'Memory of the daemon that is in RAM, with that of the apps that run in threads of it',
    type: 'gauge',
    read: ({ process }) => [{ value: process.residentBytes }],
  },
  {
    name: 'selvedge_process_heap_used_bytes',
    help: 'JavaScript heap of the daemon itself that is in use',
    type: 'gauge',
    read: ({ process }) => [{ value: process.heapUsedBytes }],
  },
  {
    name: 'selvedge_process_heap_bytes',
    help: 'JavaScript heap of the daemon itself',
    type: 'gauge',
    read: ({ process }) => [{ value: process.heapTotalBytes }],
  },
  {
    name: 'selvedge_process_external_memory_bytes',
    help: 'Memory outside of the heap that objects of the daemon itself hold',
    type: 'gauge',
    read: ({ process }) => [{ value: process.externalBytes }],
  },
  {
    name: 'selvedge_event_loop_seconds_total',
    help: 'Time that the event loop of the daemon worked and that it waited',
    type: 'counter',
    labels: ['state'],
    read: ({ process }) => [
      { labels: { state: 'active' }, value: process.loopActiveMs / 1_000 },
      { labels: { state: 'idle' }, value: process.loopIdleMs / 1_000 },
    ],
  },
  {
    name: 'selvedge_event_loop_delay_seconds',
    help: 'How much later than asked timers of the daemon fire, sampled once a second',
    type: 'histogram',
    read: ({ loopDelay }) => [{ tally: loopDelay }],
  },
]
