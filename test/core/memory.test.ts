import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { availableMemoryBytes, memoryLimitBytes } from '../../core/index.ts'

let root: string

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'selvedge-memory-'))
  await put('proc/meminfo', 'MemTotal:        1000 kB\nMemFree: 10 kB\nMemAvailable:     600 kB\n')
})
afterEach(() => rm(root, { recursive: true, force: true }))

async function put(path: string, text: string): Promise<void> {
  await mkdir(dirname(join(root, path)), { recursive: true })
  await writeFile(join(root, path), text)
}

it('a machine without control groups has what the kernel says', () => {
  expect(memoryLimitBytes(root)).toBe(1_024_000)
  expect(availableMemoryBytes(root)).toBe(614_400)
})

it('a group has less than its machine, and one above it may have less still', async () => {
  await put('proc/self/cgroup', '0::/system.slice/selvedge.service\n')
  await put('sys/fs/cgroup/system.slice/selvedge.service/memory.max', '300000\n')
  await put('sys/fs/cgroup/system.slice/selvedge.service/memory.current', '100000\n')
  expect(memoryLimitBytes(root)).toBe(300_000)
  expect(availableMemoryBytes(root)).toBe(200_000)
  await put('sys/fs/cgroup/system.slice/memory.max', '250000\n')
  await put('sys/fs/cgroup/system.slice/memory.current', '249000\n')
  expect(memoryLimitBytes(root)).toBe(250_000)
  expect(availableMemoryBytes(root)).toBe(1_000)
})

it('a group without a limit changes nothing', async () => {
  await put('proc/self/cgroup', '0::/user.slice\n')
  await put('sys/fs/cgroup/user.slice/memory.max', 'max\n')
  expect(memoryLimitBytes(root)).toBe(1_024_000)
})

it('groups of version 1 count, by their own file or that of the container', async () => {
  await put('proc/self/cgroup', '12:cpu,cpuacct:/docker/x\n4:memory:/docker/x\n0::/docker/x\n')
  await put('sys/fs/cgroup/memory/memory.limit_in_bytes', '500000\n')
  await put('sys/fs/cgroup/memory/memory.usage_in_bytes', '50000\n')
  expect(memoryLimitBytes(root)).toBe(500_000)
  expect(availableMemoryBytes(root)).toBe(450_000)
  await put('sys/fs/cgroup/memory/memory.limit_in_bytes', '9223372036854771712\n')
  expect(memoryLimitBytes(root)).toBe(1_024_000)
})

it('where more is used than there may be, nothing is available', async () => {
  await put('proc/self/cgroup', '0::/\n')
  await put('sys/fs/cgroup/memory.max', '1000\n')
  await put('sys/fs/cgroup/memory.current', '4000\n')
  expect(availableMemoryBytes(root)).toBe(0)
})
