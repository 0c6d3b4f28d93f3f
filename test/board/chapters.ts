/** What happens to the board, one chapter after the other; each says what it saw, and throws where something is not so. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { boardChip, boardPin, type Board } from './board.ts'
import type { Desk } from './desk.ts'
import {
  memoryOfNode,
  giveLinesBack,
  nodeToml,
  runsOn,
  setUpNode,
  startNode,
  stopNode,
  type PinDriverName,
  type Wiring,
} from './node-on-board.ts'

/** One figure of the table. */
export interface Measure {
  /** For programs. */
  readonly metric: string
  readonly what: string
  readonly value: number
  readonly unit: string
  /** The goal; absent where there is none. */
  readonly atMost?: number
}

export interface Tools {
  readonly root: string
  readonly desk: Desk
  /** Of this machine, at which the board is reached. */
  readonly port: number
  /** Switches the board on. */
  boot(isPlugged: boolean): Promise<Board>
  measure(measure: Measure): void
  readonly times: StartTimes
}

interface Chapter {
  readonly title: string
  /** @param board null before it was switched on */
  play(tools: Tools, board: Board | null): Promise<string[]>
}

/** Which wires are used: nothing else on this board wants them. */
const wiring: Wiring = { light: boardPin('gpioB2'), led: boardPin('gpioI3') }
const app = 'light-alarm'
/** Generous, as an emulator on a busy machine is slow in all it does. */
const patienceMs = 240_000
/** After which a LED that should be on is called dark. */
const ledMs = 60_000
const edges = 6
/** What host/kept-script.ts writes some time after an app runs. */
const compiled = '/root/.cache/selvedge/compiled/*.code'
/** With one invite: a machine that is too busy misses its time. */
const mostStarts = 3
const settleMs = 15_000

export const chapters: readonly Chapter[] = [
  { title: 'the board boots, and has a GPIO controller', play: boots },
  { title: 'it is let into the mesh of a node on this machine', play: joins },
  { title: 'light-alarm comes to it over the network', play: getsTheApp },
  {
    title: 'dark and light on one wire, a LED on another: through onoff',
    play: (_, board) => follows(on(board)),
  },
  { title: 'with the app on its card it starts without waiting for anybody', play: startsAgain },
  { title: 'it is small', play: isSmall },
  { title: 'the same through sysfs', play: (tools, board) => changesDriver(tools, on(board), 'sysfs') },
  { title: 'the same through gpiochip', play: throughGpiochip },
  { title: 'its power is cut, and it comes back alone, with no network and no clock', play: losesPower },
  { title: 'its network is plugged in, and the mesh has it again', play: isBack },
]

function on(board: Board | null): Board {
  assert.ok(board !== null, 'the board is off')
  return board
}

async function boots({ boot, desk, measure }: Tools): Promise<string[]> {
  const [board] = await Promise.all([boot(true), desk.up()])
  const { console } = board
  await console.mustRun(`date -s @${Math.floor(Date.now() / 1_000)}`)
  const machine = await console.mustRun('uname -srm; node --version; cat /sys/firmware/devicetree/base/model')
  const chips = await console.mustRun('cat /sys/class/gpio/gpiochip*/label')
  assert.ok(chips.split('\n').includes(boardChip), `its GPIO chips are ${chips}`)
  const bare = await bareMemory(board)
  measure({
    metric: 'node-pss',
    what: 'PSS of a Node.js that does nothing',
    value: bare / 2 ** 20,
    unit: 'MiB',
  })
  measure({ metric: 'boot', what: 'from power to a shell', value: board.bootedMs / 1_000, unit: 's' })
  return [
    machine.replaceAll('\n', ', ').replaceAll('\0', ''),
    `chips in /sys/class/gpio: ${chips.replaceAll('\n', ', ')}`,
  ]
}

/** @returns bytes */
async function bareMemory(board: Board): Promise<number> {
  await board.console.mustRun(`node -e 'setTimeout(() => {}, 60000)' & echo $! >/run/bare.pid; sleep 4`)
  const { bytes } = await memoryOfNode(board)
  await board.console.mustRun('kill $(cat /run/bare.pid)')
  return bytes
}

async function joins({ desk, port }: Tools, aboard: Board | null): Promise<string[]> {
  const board = on(aboard)
  const token = (await desk.run(['invite', '--group', 'board'])).trim()
  await setUpNode(board, nodeToml(wiring, 'onoff'))
  const startedAt = performance.now()
  let starts = 0
  await until('the desk sees the board alive', async () => {
    if ((await stateOf(desk)) === 'alive') return true
    // As whatever looks after services there would do it.
    const isStarted = starts > 0 && (await runsOn(board))
    if (!isStarted && starts < mostStarts) {
      starts += 1
      await startNode(board, { PORT: String(port), JOIN: token })
    }
    return false
  })
  return [
    `alive after ${seconds(performance.now() - startedAt)}${starts === 1 ? '' : `, at start ${starts}`}`,
  ]
}

async function getsTheApp({ desk, root }: Tools): Promise<string[]> {
  const folder = join(root, 'components', app)
  const startedAt = performance.now()
  await desk.run(['publish', folder, '--no-build', '--group', 'board', '--wait', '--timeout', '240'])
  return [`running on the board ${seconds(performance.now() - startedAt)} after it was published here`]
}

/** Dark, light, dark … @returns a line with how late the LED was */
async function follows(board: Board): Promise<string[]> {
  const latenciesMs: number[] = []
  await board.drive(wiring.light, true)
  await board.untilLevel(wiring.led, false, ledMs)
  for (let edge = 0; edge < edges; edge++) {
    const isDark = edge % 2 === 0
    await board.drive(wiring.light, !isDark)
    latenciesMs.push(await board.untilLevel(wiring.led, isDark, ledMs))
  }
  const sorted = latenciesMs.sort((a, b) => a - b)
  const [least = 0, most = 0] = [sorted[0], sorted.at(-1)]
  return [
    `the LED followed ${sorted.length} of ${edges} edges, ${least.toFixed(0)} to ${most.toFixed(0)} ms later`,
  ]
}

/** Of how often the daemon was started with the app on its card, ms: once with each driver. */
interface StartTimes {
  readonly bare: number[]
  readonly starts: number[]
}

async function startsAgain({ times }: Tools, aboard: Board | null): Promise<string[]> {
  const board = on(aboard)
  // A board that is switched off sooner starts as slowly as the first time.
  await until('its compiled code is on the card', async () => {
    return (await board.console.run(`ls ${compiled}`)).status === 0
  })
  await stopsInTheLight(board)
  return [await startTimed(board, times)]
}

async function stopsInTheLight(board: Board): Promise<void> {
  await board.drive(wiring.light, true)
  await board.untilLevel(wiring.led, false, ledMs)
  await stopNode(board)
}

/**
 * In the dark: the first event that the app handles lights the LED, which is out.
 * @returns a line of what it took
 */
async function startTimed(board: Board, { bare, starts }: StartTimes): Promise<string> {
  await board.drive(wiring.light, false)
  const bareMs = await timed(() => board.console.mustRun('node -e 0'))
  assert.ok(!(await board.level(wiring.led)), 'the LED is on before the node was started')
  const startMs = await timed(async () => {
    await startNode(board)
    await board.untilLevel(wiring.led, true, patienceMs)
  })
  bare.push(bareMs)
  starts.push(startMs)
  return `from the order to the LED ${seconds(startMs)}; node -e 0 ${seconds(bareMs)}`
}

function measureStarts({ measure, times }: Tools): void {
  const [node, start] = [median(times.bare), median(times.starts)]
  measure({ metric: 'node', what: '`node -e 0` on the board', value: node / 1_000, unit: 's' })
  measure({
    metric: 'start',
    what: 'start of the daemon to the LED, app cached',
    value: start / 1_000,
    unit: 's',
  })
  measure({
    metric: 'start-ratio',
    what: 'the same, in times of `node -e 0`',
    value: start / node,
    unit: '×',
    atMost: 6,
  })
}

async function isSmall({ measure }: Tools, board: Board | null): Promise<string[]> {
  await sleep(settleMs)
  const { bytes, processes } = await memoryOfNode(on(board))
  const used = await on(board).console.mustRun("free -k | awk '/^Mem:/{print $3}'")
  measure({
    metric: 'pss',
    what: 'idle PSS of the node with one app',
    value: bytes / 2 ** 20,
    unit: 'MiB',
    atMost: 70,
  })
  return [
    `${processes} process${processes === 1 ? '' : 'es'} of Node.js; ${Math.round(Number(used) / 1_024)} MiB in use on the board`,
  ]
}

async function changesDriver({ times }: Tools, board: Board, driver: PinDriverName): Promise<string[]> {
  await stopsInTheLight(board)
  await giveLinesBack(board)
  await setUpNode(board, nodeToml(wiring, driver))
  const started = await startTimed(board, times)
  return [started, ...(await follows(board))]
}

async function throughGpiochip(tools: Tools, board: Board | null): Promise<string[]> {
  const lines = await changesDriver(tools, on(board), 'gpiochip')
  measureStarts(tools)
  return lines
}

async function losesPower({ boot, measure }: Tools, before: Board | null): Promise<string[]> {
  // As it will start the next time; the node that runs goes on with what it read.
  await setUpNode(on(before), nodeToml(wiring, 'onoff'))
  await on(before).cutPower()
  const startedAt = performance.now()
  const board = await boot(false)
  // Nothing is typed: it is on its own.
  await board.drive(wiring.light, false)
  await board.untilLevel(wiring.led, true, patienceMs)
  const backMs = performance.now() - startedAt
  measure({
    metric: 'power-to-led',
    what: 'from power to the LED, with neither network nor clock',
    value: backMs / 1_000,
    unit: 's',
  })
  const clock = await board.console.mustRun('date -u "+%F"')
  return [`its clock says ${clock}`, ...(await follows(board))]
}

async function isBack({ desk }: Tools, board: Board | null): Promise<string[]> {
  const startedAt = performance.now()
  await on(board).plug(true)
  await until('the desk sees the board alive again', () => stateOf(desk).then((state) => state === 'alive'))
  const back = seconds(performance.now() - startedAt)
  const { nodes } = await desk.client.status()
  const apps = nodes.find(({ name }) => name === 'board')?.apps ?? []
  assert.deepEqual(
    apps.map((each) => [each.app, each.state]),
    [[app, 'running']],
  )
  return [`alive after ${back}, and runs ${app}`]
}

async function stateOf(desk: Desk): Promise<string | undefined> {
  const { nodes } = await desk.client.status()
  return nodes.find(({ name }) => name === 'board')?.state
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`waited ${seconds(patienceMs)} in vain: ${what}`)
    await sleep(100)
  }
}

async function timed(work: () => Promise<unknown>): Promise<number> {
  const startedAt = performance.now()
  await work()
  return performance.now() - startedAt
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN
}

function seconds(ms: number): string {
  return `${(ms / 1_000).toFixed(1)} s`
}
