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

function rankOf({ moduleId }: TestSpecification): number {
  const rank = slowestFirst.findIndex((folder) => moduleId.includes(`/${folder}`))
  return rank === -1 ? slowestFirst.length : rank
}

class SlowestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rankOf(a) - rankOf(b))
  }
}

/**
 * Tests of plain code, which leave nothing behind in their process: many files share one, as loading a process and
 * its modules for each costs more than most of them take.
 */
const plain = [
  // Without the one file that mocks a module: that takes a process of its own.
  'test/core/**/!(files).test.ts',
  'test/sim/**/*.test.ts',
  'test/mesh/{admission,blobs,calls,carriage,head-kinds,heads,identity,load,membership,messages,patches,releases}/**/*.test.ts',
  'test/host/{api,calls,cli,config,devices,doctor,formats,guest,interfaces,manifest,messages,metrics,placement,replicas,run,toml,triggers,values}/**/*.test.ts',
]

const shared: ProjectConfig = {
  setupFiles: ['core/compat.ts'],
  // Workers and child processes start in these; a slow machine must not fail them.
  testTimeout: 60_000,
  hookTimeout: 60_000,
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
      { test: { ...shared, name: 'alone', include: ['test/**/*.test.ts'], exclude: plain } },
      { test: { ...shared, name: 'together', include: plain, isolate: false } },
    ],
  },
})
