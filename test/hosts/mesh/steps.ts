/** What the mixed mesh is put through, in order. */
import assert from 'node:assert/strict'
import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { forEach, group, until, type Mesh } from './mesh.ts'
import type { Seat } from './seat.ts'

export interface Step {
  /** What holds when it has passed. */
  readonly title: string
  run(mesh: Mesh, title: string): Promise<void>
}

/** A light that alternates between dark and bright, and a LED. */
const lightAndLed = `
[sensors.light]
driver = "simulated"
shape = "steps"
values = [10, 900]
unit = "lx"
period = "1s"

[pins.led]
driver = "simulated"
`
/** In place of 5 s: an event whose instance ended at its deadline is lost, as it may have been what held it up. */
const eventDeadline = '60s'
const startMs = 240_000
const joinTries = 6
/** Handled by a release before it counts as running. */
const fewEvents = 3

export const steps: readonly Step[] = [
  {
    title: 'each joins by an invite of its own',
    async run(mesh, title) {
      await start(mesh, mesh.founder)
      await forEach(mesh, mesh.seats.slice(1), title, async (seat) => {
        const { founder, stage } = mesh
        const invite = ['invite', '--group', group, '--group', seat.name]
        const token = (await stage.mustRun([...invite, '--data', dataOf(founder)])).trim()
        await patiently(mesh, seat, () => start(mesh, seat, token))
      })
    },
  },
  { title: 'everybody is alive to everybody', run: everybodyAlive },
  {
    title:
      'an AssemblyScript app, published through a node of another architecture, travels to all and handles events',
    async run(mesh, title) {
      await publishThroughAnother(mesh, title, 'light-alarm')
      await forEach(mesh, mesh.seats, title, (seat) => handles(mesh, seat, '1.0.0'))
    },
  },
  {
    title:
      'a TypeScript app does too, where the engine has what QuickJS is built with; and the others are known by name',
    async run(mesh, title) {
      const app = 'light-alarm-ts'
      await publish(mesh, mesh.founder, app)
      await forEach(mesh, mesh.seats, title, (seat) =>
        until(`${app} handles events, or cannot`, mesh.signal, async () => {
          const found = (await seat.client.apps()).find((one) => one.app === app)
          if (found?.state === 'running' && found.events.handled >= fewEvents) return true
          return (await unfitFor(mesh, app)).has(seat.name)
        }),
      )
      const unfit = await unfitFor(mesh, app)
      for (const seat of mesh.seats) seat.lacks = unfit.get(seat.name) ?? null
      assert.ok(unfit.size < mesh.seats.length)
    },
  },
  {
    title: 'all swap to the next version, with each event handled once and in order',
    async run(mesh, title) {
      await publish(mesh, mesh.founder, 'light-alarm', '--version', '2.0.0')
      await forEach(mesh, mesh.seats, title, async (seat) => {
        await handles(mesh, seat, '2.0.0')
        assertWhole(seat)
        const versions = seat.ledger.events.map(({ version }) => version)
        assert.deepEqual(versions, [...versions].sort(), 'an event went to the old release after the new one')
        await ledWasDriven(seat)
      })
    },
  },
  { title: 'calls are answered across architectures, in both directions', run: callEachOther },
  {
    title: 'killed and started again, each goes on with what its disk holds',
    async run(mesh, title) {
      const { founder, signal } = mesh
      const others = mesh.seats.slice(1)
      await forEach(mesh, mesh.seats, title, (seat) => seat.weigh())
      for (const { daemon } of others) daemon?.kill('SIGKILL')
      await until('the first sees the others gone', signal, async () => {
        const { nodes } = await founder.client.status()
        return nodes.every(({ name, state }) => name === founder.name || state !== 'alive')
      })
      await forEach(mesh, others, title, async (seat) => {
        await seat.daemon?.exited
        const startedAt = performance.now()
        seat.ledger.restart()
        const before = seat.ledger.of('2.0.0').length
        await start(mesh, seat)
        await handles(mesh, seat, '2.0.0', before)
        seat.restartMs = performance.now() - startedAt
        assertWhole(seat)
      })
    },
  },
  { title: 'everybody is alive to everybody again', run: everybodyAlive },
  { title: 'and answers again', run: callEachOther },
]

async function start({ stage, signal }: Mesh, seat: Seat, token?: string): Promise<void> {
  const startedAt = performance.now()
  const ending = new AbortController()
  const end = (): void => ending.abort(signal.reason)
  signal.addEventListener('abort', end, { once: true })
  const tooLate = setTimeout(() => {
    ending.abort(new Error(`it is not ready after ${startMs / 1_000} s`))
  }, startMs)
  try {
    seat.daemon = await stage.up(
      {
        name: seat.name,
        group,
        config: lightAndLed,
        args: ['--group', seat.name],
        node: seat.node,
        program: seat.program,
        ...(token === undefined ? {} : { join: token }),
      },
      ending.signal,
    )
  } finally {
    clearTimeout(tooLate)
    signal.removeEventListener('abort', end)
  }
  seat.startMs ??= performance.now() - startedAt
}

/** By name, what the machine of a node lacks for an app, as the first node says. */
async function unfitFor({ founder }: Mesh, app: string): Promise<ReadonlyMap<string, string>> {
  const { nodes, placements = [] } = await founder.client.status()
  const names = new Map(nodes.map(({ id, name }) => [id, name]))
  const unfit = placements.find((placed) => placed.app === app)?.unfit ?? []
  return new Map(unfit.map(({ node, lacks }) => [names.get(node) ?? node, lacks.join(' ')]))
}

async function everybodyAlive(mesh: Mesh, title: string): Promise<void> {
  const names = mesh.seats.map(({ name }) => name)
  await forEach(mesh, mesh.seats, title, (seat) =>
    until('all others are alive', mesh.signal, async () => {
      const { nodes } = await seat.client.status()
      const alive = new Set(nodes.filter(({ state }) => state === 'alive').map(({ name }) => name))
      return names.every((name) => alive.has(name))
    }),
  )
}

async function publish(mesh: Mesh, through: Seat, app: string, ...more: string[]): Promise<void> {
  const { stage } = mesh
  const folder = await patientApp(mesh, app)
  const where = ['--no-build', '--data', dataOf(through), '--group', group]
  await stage.mustRun(['publish', folder, ...where, ...more])
}

/** @returns the app's folder, with a deadline that an emulator meets on a core that others want too */
async function patientApp({ root, stage }: Mesh, app: string): Promise<string> {
  const folder = join(stage.folder, 'apps', app)
  await cp(join(root, 'components', app), folder, { recursive: true })
  const file = join(folder, 'selvedge.toml')
  const manifest = await readFile(file, 'utf8')
  await writeFile(file, manifest.replace(/^deadline = .*$/m, `deadline = "${eventDeadline}"`))
  return folder
}

/** No event lost, none twice, none out of order. @throws that, and what the node said of its instances */
function assertWhole({ ledger, notes }: Seat): void {
  const said = notes.length === 0 ? '' : ` (${notes.slice(-3).join('; ')})`
  assert.deepEqual(ledger.faults, [], `${ledger.faults.join('; ')}${said}`)
}

/** An emulated node on a busy machine may be too slow for the time in which a member must answer it: as its own hint says, again. */
async function patiently({ say }: Mesh, { name }: Seat, act: () => Promise<void>): Promise<void> {
  for (let left = joinTries - 1; ; left -= 1) {
    try {
      return await act()
    } catch (error) {
      if (left === 0) throw error
      say(`${name} tries again: ${(error as Error).message.split('\n')[1] ?? ''}`)
    }
  }
}

/** By the founder where there is no other, or it cannot. */
async function publishThroughAnother(mesh: Mesh, title: string, app: string): Promise<void> {
  const other = mesh.seats[1]
  if (other !== undefined) {
    await forEach(mesh, [other], title, (seat) => publish(mesh, seat, app))
    if (other.failure === null) return
  }
  await publish(mesh, mesh.founder, app)
}

function handles({ signal }: Mesh, seat: Seat, version: string, beyond = 0): Promise<void> {
  return until(
    `${version} of light-alarm handles events`,
    signal,
    async () => (await seat.handled(version)) >= beyond + fewEvents,
  )
}

async function ledWasDriven(seat: Seat): Promise<void> {
  const led = (await seat.client.devices()).pins.find(({ name }) => name === 'led')
  const edges = led?.edges.length ?? 0
  assert.ok(edges > 1, `its LED changed ${edges} times`)
}

/** thermo runs on every node; each asks the founder's, is asked by the founder, and asks its neighbour's. */
async function callEachOther(mesh: Mesh, title: string): Promise<void> {
  const { founder, signal } = mesh
  if ((await founder.running('thermo')) === null) await publish(mesh, founder, 'thermo')
  await forEach(mesh, mesh.seats, title, (seat) =>
    until('thermo runs', signal, async () => (await seat.running('thermo')) !== null),
  )
  const seats = mesh.seats
  const others = seats.filter((seat) => seat !== founder)
  await forEach(mesh, others, title, async (seat) => {
    const next = seats[seats.indexOf(seat) + 1] ?? founder
    // Who asks must have heard that it runs there.
    await until('its own answer comes', signal, async () => {
      seat.callMs = await ask(founder, seat)
      return true
    })
    for (const other of [founder, next]) {
      await until(`the answer of ${other.name} comes`, signal, async () => {
        await ask(seat, other)
        return true
      })
    }
  })
}

/** @returns ms from the asking node's client and back. @throws on another answer, or one from elsewhere */
async function ask(from: Seat, to: Seat): Promise<number> {
  const call = (name: string, typed: string) =>
    from.client.call({
      kind: 'function',
      app: 'thermo',
      function: name,
      arguments: typed,
      form: 'wave',
      node: to.name,
    })
  const readings = '([{place: "roof", celsius: 31.25}, {place: "lobby", celsius: 20}])'
  // The first is the warm-up of a sandbox.
  await call('to-fahrenheit', '(0)')
  const startedAt = performance.now()
  const warm = await call('to-fahrenheit', '(21.5)')
  const ms = performance.now() - startedAt
  const record = await call('warmest', readings)
  for (const [report, wanted] of [
    [warm, /^70\.7$/],
    [record, /roof.*31\.25/],
  ] as const) {
    if (report.kind === 'failed') throw new Error(`from ${from.name} to ${to.name}: ${report.error.message}`)
    assert.equal(report.kind, 'function')
    if (report.kind !== 'function') continue
    assert.match(report.text, wanted, `from ${from.name} to ${to.name}`)
    assert.equal(report.trace.node, to.name)
  }
  return ms
}

function dataOf({ daemon, name }: Seat): string {
  if (daemon === null) throw new Error(`${name} was not started`)
  return daemon.data
}
