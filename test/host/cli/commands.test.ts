import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  acquireDataLock,
  ControlServer,
  type DataLock,
  type StatusReport,
  type Verdict,
  type FunctionReport,
  type CallReport,
} from '../../../host/api/index.ts'
import { Interruption, type NodeOptions, type RunningNode } from '../../../host/cli/index.ts'
import { SelvedgeError, silentLog, systemClock } from '../../../core/index.ts'
import { FakeNode, sampleMetricsText } from '../api/fake-node.ts'
import { sampleNow, sampleStatus } from '../api/sample-status.ts'
import { nodeWhy } from '../api/sample-why.ts'
import { VirtualTerminal } from './virtual-terminal.ts'
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

const here = (line: string | readonly string[], options: RunOptions = {}): ReturnType<typeof run> =>
  run(line, { data, ...options })

describe('answers as JSON', () => {
  it.each([
    ['status', 'status'],
    ['apps', 'apps'],
    ['releases light-alarm', 'releases'],
    ['sensors', 'devices'],
    ['network off', 'network'],
    ['metrics', 'metrics'],
    ['events light-alarm', 'events'],
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
      { schema: 'selvedge.log/1', seq: 1, node: 'n1', name: 'lobby-1', message: 'lit' },
      { schema: 'selvedge.log/1', seq: 2, node: 'n1', name: 'lobby-1', message: 'dark' },
    ])
  })
})

describe('a call', () => {
  it('with a method is a request, to / where no path is given, and one without a slash is not guessed at', async () => {
    await here('call hello GET')
    await here('call hello POST /orders --body x')
    await here('call hello api.GET')
    expect(node.calls.slice(-3)).toMatchObject([
      { kind: 'http', method: 'GET', path: '/' },
      { kind: 'http', method: 'POST', path: '/orders' },
      { kind: 'function', function: 'api.GET' },
    ])
    const wrong = await here('call hello GET orders')
    expect(wrong.code).toBe(2)
    expect(wrong.stderr).toContain('GET /orders')
  })

  it('without any time is refused before anybody is asked', async () => {
    const asked = node.calls.length
    const none = await here('call hello run --deadline 0s')
    expect(none.code).toBe(2)
    expect(none.stderr).toContain('--deadline 0s leaves no time')
    expect(node.calls.length).toBe(asked)
  })
})

describe('what an app answered to a request', () => {
  const answered = (body: Uint8Array): void => {
    const report = { kind: 'http', status: 200, headers: [], body: Buffer.from(body).toString('base64') }
    node.callReport = report as CallReport
  }

  it('goes into a file or a pipe byte for byte', async () => {
    const picture = new Uint8Array([0xff, 0xd8, 0, 0x1b, 0xfe])
    answered(picture)
    const bytes: Uint8Array[] = []
    expect((await here('call hello GET /', { onBytes: (some) => bytes.push(some) })).code).toBe(0)
    expect(Buffer.concat(bytes)).toEqual(Buffer.from(picture))
  })

  it('does nothing to a terminal but stand there, in its lines', async () => {
    answered(Buffer.from('one\r\ntwo\u001b[2Jthree'))
    const { stdout } = await here('call hello GET /', { stdout: { isTTY: true } })
    expect(stdout).toBe('one\ntwo\ufffd[2Jthree')
  })
})

it.each([
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const)(
  'a command that %s ends before it has done anything is not said to be done',
  async (name, status) => {
    const signal = AbortSignal.abort(new Interruption(name))
    expect(await here('call hello', { signal })).toMatchObject({ code: status, stdout: '', stderr: '' })
  },
)

describe('help about an app', () => {
  it('is what its WIT says of its functions, what they take, and a line that calls each', async () => {
    node.callReport = { kind: 'list', functions: [toFahrenheit, warmest], http: true }
    const { code, stdout, stderr } = await here('call --help thermo')
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    await expect(stdout).toMatchFileSnapshot('goldens/call-help.txt')
    expect(await here('call thermo --help --node lobby-1')).toEqual({ code: 0, stdout, stderr: '' })
    expect(node.calls.at(-1)).toEqual({ kind: 'list', app: 'thermo', node: 'lobby-1' })
  })

  it('is of one function where that is named, in any of its forms', async () => {
    node.callReport = { kind: 'list', functions: [toFahrenheit, warmest], http: true }
    const one = await here('call --help thermo to-fahrenheit')
    expect(one.stdout).toContain('Celsius as Fahrenheit.')
    expect(one.stdout).not.toContain('warmest')
    for (const name of ['api.to-fahrenheit', 'acme:thermo/api@1.0.0#to-fahrenheit'])
      expect((await here(['call', '--help', 'thermo', name])).stdout).toBe(one.stdout)
    const meant = await here('call --help thermo to-farenheit')
    expect(meant.code).toBe(1)
    expect(meant.stderr).toMatch(/ERR_UNKNOWN_FUNCTION.*\n.*did you mean to-fahrenheit/)
  })

  it('is JSON with the line that calls each function', async () => {
    node.callReport = { kind: 'list', functions: [toFahrenheit, warmest], http: false }
    const { stdout } = await here('call --help thermo --json')
    expect(JSON.parse(stdout)).toMatchObject({
      schema: 'selvedge.call/1',
      functions: [
        { docs: 'Celsius as Fahrenheit.', example: 'selvedge call thermo to-fahrenheit celsius=1.5' },
        { example: `selvedge call thermo warmest 'readings=[{place: "text", celsius: 1.5}]'` },
      ],
    })
  })

  it('is an error where there is nothing to call, nobody to ask, or no such app', async () => {
    node.callReport = { kind: 'list', functions: [], http: false }
    const none = await here('call --help light-alarm')
    expect(none).toMatchObject({ code: 1, stdout: '' })
    expect(none.stderr).toMatch(/ERR_NO_FUNCTIONS.*light-alarm.*\n.*selvedge events APP/)
    node.callReport = { kind: 'list', functions: [], http: true }
    expect((await here('call --help hello')).stdout).toContain('selvedge call hello GET /')
    expect((await here('call --help hello run')).stderr).toContain(
      'hint: it answers requests: selvedge call hello GET /',
    )
    await server.stop()
    const nobody = await here('call --help thermo')
    expect([nobody.code, nobody.stderr.includes('ERR_NODE_NOT_RUNNING')]).toEqual([1, true])
    expect((await here('call --help')).code).toBe(0)
  })

  it('lets nothing that an app says of itself near the terminal or the shell', async () => {
    const evil = '\u001b[2J$(reboot)'
    const functions = [{ ...toFahrenheit, short: evil, wit: evil, docs: evil, about: evil, types: [evil] }]
    node.callReport = { kind: 'list', functions, http: false }
    const { stdout } = await here('call --help thermo')
    expect(stdout).not.toContain('\u001b')
    expect(stdout).toContain(`selvedge call thermo ' [2J$(reboot)' celsius=1.5`)
  })
})

describe('dead letters', () => {
  it('are replayed and discarded by number, several at once, or all', async () => {
    expect((await here('events light-alarm --replay 4,7')).stdout).toBe('2 dead letters wait again\n')
    expect((await here('events light-alarm --discard all')).stdout).toBe('2 dead letters discarded\n')
    expect(node.eventIntents).toEqual([
      { app: 'light-alarm', action: 'replay', items: [4, 7] },
      { app: 'light-alarm', action: 'discard', items: 'all' },
    ])
  })

  it.each([
    ['events light-alarm --replay four', '--replay "four" is neither'],
    ['events light-alarm --replay 4 --discard 7', 'exclude each other'],
  ])('`%s` is refused', async (line, message) => {
    const { code, stderr } = await here(line)
    expect(code).toBe(2)
    expect(stderr).toContain(message)
    expect(node.eventIntents).toEqual([])
  })

  it('alone are shown where only they were asked for', async () => {
    const { stdout } = await here('events light-alarm --dead')
    expect(stdout).not.toContain('cron event')
    expect(stdout).toContain('why: the instance ended (trap): unreachable')
  })
})

describe('answers for people', () => {
  it.each([
    ['apps', 'apps'],
    ['releases light-alarm', 'releases'],
    ['sensors', 'sensors'],
    ['events light-alarm', 'events'],
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

  it('a watched picture fills the terminal, changes only its lines that change, and goes with q', async () => {
    const terminal = new VirtualTerminal(80, 30)
    let key: (pressed: string) => void = () => {}
    const watching = here('status --watch', {
      stdout: { isTTY: true, width: 80, height: 30 },
      onAnswer: (text) => terminal.write(text),
      press: (onKey) => {
        key = onKey
        return () => (key = () => {})
      },
    })
    await expect.poll(() => terminal.screen.join('\n')).toContain('lobby-3  suspect')
    const first = terminal.writes
    const nodes = sampleStatus.nodes.map((each) => ({ ...each, state: 'alive' as const }))
    node.report = { ...sampleStatus, nodes }
    await expect.poll(() => terminal.screen.join('\n')).toContain('lobby-3  alive')
    expect(terminal.writes).toBeGreaterThan(first)
    for (const pressed of '/garage\r') key(pressed)
    await expect.poll(() => terminal.screen.join('\n')).not.toContain('lobby-3')
    expect(terminal.screen.join('\n')).toContain('● garage-1')
    key('q')
    expect(await watching).toMatchObject({ code: 0, stderr: '' })
    expect(terminal.isWhole).toBe(true)
  })

  it('a watched picture is one picture and then a line for each change where it is no terminal', async () => {
    const ending = new AbortController()
    const { code, stdout } = await here('status --watch', {
      signal: ending.signal,
      onAnswer: (text) => {
        const nodes = sampleStatus.nodes.map((each) => ({ ...each, recordAgeMs: 1, state: 'alive' as const }))
        node.report = { ...sampleStatus, nodes }
        if (text.includes('suspect →')) ending.abort()
      },
    })
    expect(code).toBe(0)
    expect(stdout.split('mesh harbor')).toHaveLength(2)
    expect(stdout).toMatch(
      /lobby-3: suspect → alive: 2 of 3 watchers get no answer\n.*garage-2: dead → alive.*\n$/,
    )
    // oxlint-disable-next-line no-control-regex
    expect(stdout).not.toMatch(/\u001b/)
  })

  it('a watched document is JSON Lines', async () => {
    const ending = new AbortController()
    let count = 0
    const { stdout } = await here('status --watch --json', {
      stdout: { isTTY: true },
      signal: ending.signal,
      onAnswer: () => void (++count === 2 && ending.abort()),
    })
    const schemas = stdout
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { schema: string }).schema)
    expect(schemas).toEqual(['selvedge.status/1', 'selvedge.status/1'])
  })

  it('status of one group or node shows it alone; of none it says which is near', async () => {
    const { stdout } = await here('status --group garage')
    expect(stdout).toContain('garage-1')
    expect(stdout).not.toMatch(/lobby-2|● roof-1/)
    expect(
      (JSON.parse((await here('status --node lobby-2 --json')).stdout) as StatusReport).nodes,
    ).toHaveLength(1)
    const group = await here('status --group garag')
    expect(group).toMatchObject({ code: 1, stdout: '' })
    expect(group.stderr).toMatch(/ERR_UNKNOWN_GROUP[^]*did you mean garage\?/)
    expect((await here('status --node lobby-9')).stderr).toMatch(/ERR_UNKNOWN_NODE[^]*did you mean lobby-1\?/)
  })
})

describe('why', () => {
  it('knows nodes by name and id, apps by name, and says which it may have been', async () => {
    expect(await here('why garage-1')).toMatchObject({ code: 0, stderr: '' })
    expect((await here('why 12D3KooWgarage-1')).stdout).toMatch(/^garage-1 is alive/)
    expect((await here('why light-alarm')).stdout).toMatch(/^light-alarm 2\.0\.0 runs on 1 of the 2 nodes/)
    const wrong = await here('why light-alam')
    expect(wrong).toMatchObject({ code: 1, stdout: '' })
    expect(wrong.stderr).toMatch(/ERR_UNKNOWN_SUBJECT[^]*did you mean light-alarm\?/)
    expect((await here('why garage-1 --app')).stderr).toContain('no app is called garage-1')
  })

  it('says with its exit status whether all is well, something is wrong, or nothing is decided', async () => {
    const codeOf = async (state: Verdict, more = {}): Promise<number> => {
      node.why = { ...node.why, node: () => nodeWhy(more, { state }) }
      return (await here('why garage-1')).code
    }
    expect(await codeOf('alive')).toBe(0)
    expect(await codeOf('left')).toBe(0)
    expect(await codeOf('dead')).toBe(1)
    expect(await codeOf('cut-off')).toBe(1)
    expect(await codeOf('suspect')).toBe(3)
    expect(await codeOf('alive', { isTwofold: true })).toBe(1)
  })

  it('as JSON is what was found, and the same in words', async () => {
    const document = JSON.parse((await here('why garage-1 --json')).stdout) as Record<string, unknown>
    expect(document).toMatchObject({
      schema: 'selvedge.why/1',
      about: 'node',
      votes: [],
      asked: { name: 'lobby-1' },
    })
    expect(document.summary).toMatch(/^garage-1 is alive/)
  })

  it('of a name that several nodes have asks for the id', async () => {
    const nodes = sampleStatus.nodes.map((each) => ({ ...each, name: 'twin' }))
    node.report = { ...sampleStatus, nodes }
    expect((await here('why twin')).stderr).toMatch(/ERR_UNKNOWN_NODE[^]*12D3KooWgarage-1/)
  })
})

describe('names for completion', () => {
  it('are those of the node, and none where there is no node or a name could not be typed', async () => {
    const [first] = sampleStatus.nodes
    if (first === undefined) throw new Error('the sample has nodes')
    node.report = { ...sampleStatus, nodes: [...sampleStatus.nodes, { ...first, name: '$(reboot)' }] }
    const names = await here('completion names subject', { data })
    expect(names.stdout.split('\n')).toEqual([
      'garage-1',
      'garage-2',
      'light-alarm',
      'lobby-1',
      'lobby-2',
      'lobby-3',
      'roof-1',
      'uplink',
      '',
    ])
    expect((await here('completion names group')).stdout).toBe('garage\nlobby\n')
    expect(await run('completion names node')).toEqual({ code: 0, stdout: '', stderr: '' })
    expect((await here('completion names nothing')).code).toBe(2)
  })

  it('are the functions of an app by their short names, and none that could not be typed', async () => {
    const named = (short: string): FunctionReport => ({ ...toFahrenheit, short })
    const functions = [named('api.to-fahrenheit'), named('$(reboot)')]
    node.callReport = { kind: 'list', functions, http: true }
    expect((await here('completion names function thermo')).stdout).toBe('api.to-fahrenheit\nGET\n')
    expect(node.calls.at(-1)).toEqual({ kind: 'list', app: 'thermo' })
    expect((await here('completion names function')).stdout).toBe('')
    expect(await run('completion names function thermo')).toEqual({ code: 0, stdout: '', stderr: '' })
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

const toFahrenheit: FunctionReport = {
  target: 'acme:thermo/api@1.0.0#to-fahrenheit',
  name: 'api.to-fahrenheit',
  type: 'func(celsius: f64) -> result<f64, string>',
  parameters: [{ name: 'celsius', type: { kind: 'f64' } }],
  result: { kind: 'result' },
  interface: 'acme:thermo/api@1.0.0',
  short: 'to-fahrenheit',
  wit: 'func(celsius: f64) -> result<f64, string>',
  types: [],
  sample: ['celsius=1.5'],
  docs: 'Celsius as Fahrenheit.',
  about: 'Computes with temperatures.\n\nIn floating point.',
}
const warmest: FunctionReport = {
  target: 'acme:thermo/api@1.0.0#warmest',
  name: 'api.warmest',
  type: 'func(readings: list<record { place: string, celsius: f64 }>) -> option<record { place: string, celsius: f64 }>',
  parameters: [{ name: 'readings', type: { kind: 'list' } }],
  result: { kind: 'option' },
  interface: 'acme:thermo/api@1.0.0',
  short: 'warmest',
  wit: 'func(readings: list<reading>) -> option<reading>',
  types: ['record reading { place: string, celsius: f64 }'],
  sample: ['readings=[{place: "text", celsius: 1.5}]'],
}

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
    works: new Promise<void>(() => {}),
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
