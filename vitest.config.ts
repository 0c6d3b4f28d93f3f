import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

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

function rankOf({ moduleId }: TestSpecification): number {
  const rank = slowestFirst.findIndex((folder) => moduleId.includes(`/${folder}`))
  return rank === -1 ? slowestFirst.length : rank
}

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b))
  }
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    setupFiles: ['core/compat.ts'],
    globalSetup: ['test/global-setup.ts'],
    // Workers and child processes start in these; a slow machine must not fail them.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // One per core, where vitest keeps a core to itself: half of what a test does is waiting for a process or a timer.
    maxWorkers: availableParallelism(),
    sequence: { sequencer: SlowestFirst },
  },
})
