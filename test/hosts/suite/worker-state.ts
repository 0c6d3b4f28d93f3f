/** What vitest's runner and expectations look for around them: a worker, as vitest itself starts them, with little in it. */
import { readFile } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, resolve } from 'node:path'

interface WorkerState {
  filepath: string
}

/** For a machine that is many times slower than the one a test was written on. */
const pollMs = 20_000

/** Snapshots are read where the tests have them, and never written. */
const snapshotFiles = {
  getVersion: () => '1',
  getHeader: () => '// Vitest Snapshot v1, https://vitest.dev/guide/snapshot.html',
  resolveRawPath: async (testPath: string, path: string) =>
    isAbsolute(path) ? path : resolve(dirname(testPath), path),
  resolvePath: async (testPath: string) =>
    join(dirname(testPath), '__snapshots__', `${basename(testPath)}.snap`),
  prepareDirectory: async () => {},
  readSnapshotFile: (path: string) => readFile(path, 'utf8').catch(() => null),
  saveSnapshotFile: async () => {},
  removeSnapshotFile: async () => {},
}

/** The settings that the runner reads, as vitest.config.ts and vitest's defaults have them. */
export function runnerConfig(root: string, testMs: number) {
  return {
    root,
    name: 'hosts',
    testTimeout: testMs,
    hookTimeout: testMs,
    retry: 0,
    maxConcurrency: 1,
    passWithNoTests: true,
    includeTaskLocation: false,
    allowOnly: true,
    setupFiles: [],
    tags: [],
    tagsFilter: undefined,
    strictTags: false,
    sequence: { concurrent: false, shuffle: false, hooks: 'stack', setupFiles: 'list', seed: 1 },
    chaiConfig: undefined,
    diffOptions: undefined,
    logHeapUsage: false,
    expect: { poll: { timeout: pollMs, interval: 50 } },
    experimental: { viteModuleRunner: false, importDurations: { limit: 0 } },
    fakeTimers: {},
    clearMocks: false,
    mockReset: false,
    restoreMocks: false,
    unstubEnvs: false,
    unstubGlobals: false,
    snapshotOptions: {
      updateSnapshot: 'none',
      expand: false,
      snapshotEnvironment: snapshotFiles,
      snapshotFormat: {},
    },
  }
}

/** @returns the state, whose file is set before each file runs */
export function provideWorkerState(config: ReturnType<typeof runnerConfig>): WorkerState {
  const state = {
    filepath: '',
    config,
    ctx: { pool: 'forks' },
    environment: { name: 'node', viteEnvironment: 'ssr' },
    providedContext: {},
    evaluatedModules: { idToModuleMap: new Map(), getModuleById: () => undefined },
    resolvingModules: new Set(),
    moduleExecutionInfo: new Map(),
    current: undefined,
    onCleanup: () => {},
    rpc: { snapshotSaved: () => Promise.resolve(), onTaskUpdate: () => Promise.resolve() },
  }
  Object.defineProperty(globalThis, '__vitest_worker__', { value: state, configurable: true })
  return state
}
