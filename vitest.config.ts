import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type ProjectConfig, type TestSpecification } from 'vitest/node'

/**
 * What takes longest, because it starts programs and waits for them, begins first: at the end one such file alone
 * would keep everybody waiting. Each file's time is about that of its neighbours in these folders.
 */
const slowestFirst = [
  'test/e2e/',
  'test/toolchains/',
  'test/mesh/hostile/',
  'test/host/engine/',
  'test/host/',
]

function rankOf({ moduleId, project }: TestSpecification): number {
  // The files of a project one after another: a shared process ends when one comes that wants its own.
  if (project.name === 'alone') return -1
  const rank = slowestFirst.findIndex((folder) => moduleId.includes(`/${folder}`))
  return rank === -1 ? slowestFirst.length : rank
}

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b))
  }
}

/**
 * Files that would disturb others in their process, or be disturbed there. All others share one process for each core: to
 * start one and to load what the tests are about takes longer than most of them run. So a test puts back what it
 * changes beyond itself, and names here what it cannot put back.
 */
const alone = [
  // They put another module in the place of one of ours.
  'test/core/files.test.ts',
  'test/host/node/start.test.ts',
  // They measure the heap of their process, or ask what V8 took for a flag of it.
  'test/host/http/{server,endless}.test.ts',
  'test/host/engine/sandbox/glue-codes.test.ts',
  'test/mesh/hostile/{sources,strangers,flood}.test.ts',
  // It ends with its process, whatever happens to it: it makes networks.
  'test/lab/*.test.ts',
]

const shared: ProjectConfig = {
  setupFiles: ['core/compat.ts', 'test/seeds.ts'],
  // Workers and child processes start in these; a slow machine must not fail them.
  testTimeout: 120_000,
  hookTimeout: 120_000,
  // What must become true ends the wait; on its own vitest gives up after a second.
  expect: { poll: { timeout: 60_000, interval: 20 } },
  pool: 'forks',
  // One per core, where vitest keeps a core to itself. More make the programs that tests start wait for each other, and none end sooner.
  maxWorkers: availableParallelism(),
}

export default defineConfig({
  test: {
    globalSetup: ['test/global-setup.ts'],
    maxWorkers: availableParallelism(),
    sequence: { sequencer: SlowestFirst },
    projects: [
      { test: { ...shared, name: 'alone', include: alone } },
      {
        test: { ...shared, name: 'together', include: ['test/**/*.test.ts'], exclude: alone, isolate: false },
      },
    ],
  },
})
