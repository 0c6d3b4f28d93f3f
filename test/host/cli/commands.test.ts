import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { acquireDataLock, ControlServer, type DataLock } from '../../../host/api/index.ts'
import type { NodeOptions, RunningNode } from '../../../host/cli/index.ts'
import { SelvedgeError, silentLog, systemClock } from '../../../core/index.ts'
import { FakeNode, sampleMetricsText } from '../api/fake-node.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { run, type RunOptions } from './fake-world.ts'

let data: string
let node: FakeNode
let lock: DataLock
let server: ControlServer

beforeEach(async () => {
  data = await mkdtemp(join(tmpdir(), 'selvedge-cli-'))
  node = new FakeNode()
  lock = await acquireDataLock(data)
  server = new ControlServer({ node, lock, clock: systemClock, log: silentLog })
  await server.start()
})

afterEach(async () => {
  await server.stop()
  await lock.release()
  await rm(data, { recursive: true, force: true })
})

const here = (line: string, options: RunOptions = {}): ReturnType<typeof run> =>
  run(line, { data, ...options })

describe('answers as JSON', () => {
  it.each([
    ['status', 'status'],
    ['apps', 'apps'],
    ['releases light-alarm', 'releases'],
    ['sensors', 'devices'],
    ['network off', 'network'],
    ['metrics', 'metrics'],
  ])('`%s --json` is one document with its schema, the same as last time', async (line, golden) => {
    node.localApps = [sampleLocalApp]
    const { code, stdout, stderr } = await here(`${line} --json`)
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    expect(stdout.split('\n')).toHaveLength(2)
    const document = JSON.parse(stdout) as { schema: string }
    expect(document.schema).toBe(`selvedge.${golden}/1`)
    await expect(`${JSON.stringify(document, null, 2)}\n`).toMatchFileSnapshot(`goldens/${golden}.json.txt`)
  })

  it('logs are JSON Lines', async () => {
    node.logs.add('light-alarm', 'lit')
    node.logs.add('light-alarm', 'dark')
    const lines = (await here('logs light-alarm --json')).stdout.trim().split('\n')
    expect(lines.map((line) => JSON.parse(line) as unknown)).toMatchObject([
      { schema: 'selvedge.log/1', seq: 1, message: 'lit' },
      { schema: 'selvedge.log/1', seq: 2, message: 'dark' },
    ])
  })
})

describe('answers for people', () => {
  it.each([
    ['apps', 'apps'],
    ['releases light-alarm', 'releases'],
    ['sensors', 'sensors'],
  ])('`%s` looks as it did last time', async (line, golden) => {
    node.localApps = [sampleLocalApp]
    const { code, stdout } = await here(line)
    expect(code).toBe(0)
    // The ages in the picture come from the fixed time of the test's world.
    await expect(stdout).toMatchFileSnapshot(`goldens/${golden}.txt`)
  })

  it('metrics are what the node says, to the byte: Prometheus reads them', async () => {
    expect(await here('metrics')).toEqual({ code: 0, stdout: sampleMetricsText, stderr: '' })
  })

  it('apps fit the terminal, however much they may use and say', async () => {
    const grants = Array.from({ length: 20 }, (_, index) => `sensor:light-${index}`)
    const message = 'the handler divided by nothing and then some '.repeat(4).trim()
    const reason = { code: 'ERR_APP_TRAP', message, hint: message }
    const next = { version: '3.0.0', seq: 3, state: 'failed' as const, reason }
    node.localApps = [{ ...sampleLocalApp, grants, reason, next }]
    const { stdout } = await here('apps')
    expect(Math.max(...stdout.split('\n').map((text) => text.length))).toBeLessThanOrEqual(80)
  })

  it('an app that nobody published is an error, not an empty list', async () => {
    expect(await here('releases nothing')).toMatchObject({ code: 1, stdout: '' })
    const logs = await here('logs nothing')
    expect(logs).toMatchObject({ code: 1, stdout: '' })
    expect(logs.stderr).toContain('ERR_UNKNOWN_APP')
  })

  it('an app’s log line cannot drive the terminal', async () => {
    node.logs.add('light-alarm', 'a\u001b[2Jb\nc')
    expect((await here('logs light-alarm')).stdout).toMatch(/ a \[2Jb c\n$/)
  })

  it('followed logs go on until Ctrl-C, and that is no failure', async () => {
    const ending = new AbortController()
    const following = here('logs light-alarm -f', {
      signal: ending.signal,
      onAnswer: (text) => (text.includes('last') ? ending.abort() : undefined),
    })
    node.logs.add('light-alarm', 'first')
    await expect.poll(() => node.logs.listeners).toBe(1)
    node.logs.add('light-alarm', 'last')
    const { code, stdout } = await following
    expect(code).toBe(0)
    expect(stdout).toMatch(/first\n.*last\n$/)
  })

  it('a watched picture is drawn in place on a terminal, and again in a pipe', async () => {
    for (const isTTY of [true, false]) {
      const ending = new AbortController()
      let pictures = 0
      const { code, stdout } = await here('status --watch', {
        stdout: { isTTY },
        signal: ending.signal,
        onAnswer: () => {
          pictures += 1
          if (pictures === 2) ending.abort()
        },
      })
      expect(code).toBe(0)
      expect(stdout.split('mesh harbor')).toHaveLength(3)
      expect(stdout.startsWith('\u001b[H')).toBe(isTTY)
      // Nothing is cleared before it is written over.
      const drawn = stdout.split('\u001b[J')
      expect(drawn.slice(0, -1).map((one) => one.startsWith('\u001b[H'))).toEqual(isTTY ? [true, true] : [])
    }
  })
})

describe('errors', () => {
  it('the daemon’s own arrive with code and hint, on stderr, with exit 1', async () => {
    node.failure = new SelvedgeError('ERR_EXAMPLE', 'user', 'it went wrong\n  here', 'do it right')
    expect(await here('status --json')).toEqual({
      code: 1,
      stdout: '',
      stderr: 'error[ERR_EXAMPLE]: it went wrong\n  here\nhint: do it right\n',
    })
  })

  it('have colour where it is wanted', async () => {
    node.failure = new SelvedgeError('ERR_EXAMPLE', 'user', 'wrong', 'right')
    const { stderr } = await here('status', { stderr: { colour: true } })
    expect(stderr).toBe('\u001b[31merror[ERR_EXAMPLE]\u001b[39m: wrong\n\u001b[36mhint\u001b[39m: right\n')
  })

  it('no daemon is said with the way to start one', async () => {
    await server.stop()
    const { code, stderr } = await here('status')
    expect(code).toBe(1)
    expect(stderr).toContain('error[ERR_NODE_NOT_RUNNING]')
    expect(stderr).toContain(`selvedge up --data ${data}`)
  })
})

describe('stop', () => {
  it('waits until the daemon is gone', async () => {
    node.onStop = () => void server.stop()
    expect(await here('stop')).toEqual({ code: 0, stdout: 'lobby-1 has stopped\n', stderr: '' })
  })
})

function runningNode(changes: Partial<RunningNode> = {}): RunningNode & { stops: number } {
  const finished = new AbortController()
  const fake = {
    id: sampleStatus.self.id,
    name: 'lobby-1',
    mesh: { id: sampleStatus.mesh.id, name: 'harbor' },
    addresses: ['/ip4/127.0.0.1/tcp/4001/p2p/x'],
    socketPath: '/data/control.sock',
    http: null,
    metrics: null,
    deploy: null,
    origin: 'created' as const,
    stopped: new Promise<void>((resolve) => finished.signal.addEventListener('abort', () => resolve())),
    stops: 0,
    stop: (): Promise<void> => {
      fake.stops += 1
      finished.abort()
      return fake.stopped
    },
    ...changes,
  }
  return fake
}

describe('up', () => {
  it('says in one line that it is ready, and stops the node on a signal', async () => {
    const ending = new AbortController()
    const fake = runningNode()
    const { code, stdout, stderr } = await here('up', {
      keys: '/my/keys',
      signal: ending.signal,
      onAnswer: () => ending.abort(),
      startNode: () => Promise.resolve(fake),
    })
    expect({ code, stops: fake.stops }).toEqual({ code: 0, stops: 1 })
    expect(stdout).toBe('ready lobby-1 7q2f0000 /ip4/127.0.0.1/tcp/4001/p2p/x\n')
    expect(stderr).toContain('/my/keys')
  })

  it('says it as JSON, and ends when somebody else stops the node', async () => {
    const { code, stdout } = await here('up --json', {
      startNode: () => Promise.resolve(runningNode({ stopped: Promise.resolve() })),
    })
    expect(code).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      schema: 'selvedge.up/1',
      id: sampleStatus.self.id,
      name: 'lobby-1',
      mesh: sampleStatus.mesh.id,
      addresses: ['/ip4/127.0.0.1/tcp/4001/p2p/x'],
      socket: '/data/control.sock',
      http: null,
      metrics: null,
      deploy: null,
      readyMs: expect.any(Number) as number,
    })
  })

  it('hands on everything that was typed', async () => {
    let given: NodeOptions | null = null
    await run(
      'up --data d --config node.toml --name n --group a --group b --join T --listen /x --announce /y --no-mdns --offline --http h:1 --metrics 9464 --deploy h:2',
      {
        cwd: '/here',
        keys: '/my/keys',
        startNode: (options) => {
          given = options
          return Promise.resolve(runningNode({ stopped: Promise.resolve() }))
        },
      },
    )
    expect(given).toMatchObject({
      data: '/here/d',
      keys: '/my/keys',
      config: '/here/node.toml',
      name: 'n',
      groups: ['a', 'b'],
      join: 'T',
      listen: ['/x'],
      announce: ['/y'],
      http: 'h:1',
      metrics: '9464',
      deploy: 'h:2',
      mdns: false,
      offline: true,
    })
  })

  it('a failed start is an error with exit 1', async () => {
    const taken = new SelvedgeError('ERR_DATA_IN_USE', 'user', 'taken', 'choose another')
    expect(await here('up', { startNode: () => Promise.reject(taken) })).toMatchObject({
      code: 1,
      stdout: '',
    })
  })
})

const sampleLocalApp = {
  app: 'light-alarm',
  version: '2.0.0',
  seq: 2,
  state: 'backoff' as const,
  since: sampleNow - 50_000,
  failures: 3,
  reason: { code: 'ERR_APP_TRAP', message: 'light-alarm 2.0.0 trapped', hint: 'see its log' },
  next: { version: '2.1.0', seq: 3, state: 'fetching' as const, progress: 0.634 },
  digest: 'd'.repeat(64),
  grants: ['pin:led', 'sensor:light'],
  events: { taken: 120, handled: 117, failed: 2, dropped: 1, lastId: 120 },
  restarts: 3,
  lastSwap: { from: '1.0.0', to: '2.0.0', ms: 41, gapMs: 3 },
  usage: {
    isolation: 'process',
    confinement: 'permission-model',
    invocations: 120,
    errors: 2,
    cpuMs: 310,
    memoryBytes: 65_536,
    memoryByteSeconds: 1_000_000,
    bytesIn: 9_000,
    bytesOut: 700,
    dropped: 0,
    instances: 1,
    warmStarts: 119,
    newStarts: 1,
    restarts: 3,
    waiting: 0,
    incidents: { trap: 3 },
  },
  fetchedBytes: 12_390,
}
