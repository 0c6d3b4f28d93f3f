/**
 * The story that `npm run board` tells: a board is switched on, let into the mesh of a node on this machine, gets an app over
 * the network, and turns what happens on one of its wires into what happens on another, whatever is done to it.
 */
import { mkdirSync, readdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { mustFinish } from '../foreign/index.ts'
import { freePort } from '../../demo/ports.ts'
import { makeOnoff } from './addon.ts'
import { Board, hostAddress } from './board.ts'
import { chapters, type Measure, type Tools } from './chapters.ts'
import { Desk } from './desk.ts'
import { makeCard, makeKernel, makeSystem, type Kernel } from './image.ts'

export interface Step {
  readonly title: string
  readonly ok: boolean
  readonly ms: number
  /** What was seen, or what went wrong. */
  readonly lines: readonly string[]
}

export interface BoardOutcome {
  readonly ok: boolean
  readonly steps: readonly Step[]
  readonly measures: readonly Measure[]
  readonly totalMs: number
  /** True where something had to be fetched or built first. */
  readonly hasFetched: boolean
}

export interface StoryOptions {
  /** The checkout; package and light-alarm are built. */
  readonly root: string
  say(text: string): void
  /** Leaves the folder with card and logs, and says where it is. */
  readonly isKept?: boolean
  /** Joins the caller's terminal to the board's console at the end, or where it failed. */
  readonly hasShell?: boolean
}

export async function boardStory(options: StoryOptions): Promise<BoardOutcome> {
  const { root, say, isKept = false, hasShell = false } = options
  const startedAt = performance.now()
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-board-'))
  const teller = new Teller(say)
  let hasFetched = false
  const fetching = (text: string): void => {
    hasFetched = true
    say(`    ${text}`)
  }
  const stage: { board: Board | null; desk: Desk | null } = { board: null, desk: null }
  const cutAtExit = (): void => stage.board?.kill()
  process.once('exit', cutAtExit)
  try {
    const made = await teller.step('the card is made from packages', async () => {
      const parts = await makeParts(root, folder, fetching)
      return { value: parts, lines: parts.lines }
    })
    const desk = new Desk({
      program: join(made.program, 'usr/lib/selvedge/dist/selvedge.mjs'),
      folder,
      address: hostAddress,
    })
    stage.desk = desk
    const port = await freePort()
    const boot = async (isPlugged: boolean): Promise<Board> => {
      const { kernel, card } = made
      stage.board = await Board.boot({ kernel, card, port, folder, isPlugged })
      return stage.board
    }
    const tools: Tools = {
      root,
      desk,
      port,
      boot,
      measure: (measure) => teller.measures.push(measure),
      times: { bare: [], starts: [] },
    }
    for (const { title, play } of chapters)
      await teller.step(title, async () => ({ value: null, lines: await play(tools, stage.board) }))
  } catch (error) {
    if (!(error instanceof StepFailed)) throw error
    const log = await stage.board?.console
      .run('tail -n 20 /run/log.jsonl; cat /run/up.json', 5_000)
      .catch(() => null)
    if (log) say(log.output)
  } finally {
    if (hasShell && stage.board !== null) await stage.board.shell(say)
    await stage.board?.cutPower()
    await stage.desk?.close()
    process.off('exit', cutAtExit)
    if (isKept) say(`card and data are in ${folder}`)
    else await rm(folder, { recursive: true, force: true, maxRetries: 3 })
  }
  const { steps, measures } = teller
  const ok =
    steps.every((step) => step.ok) && measures.every(({ value, atMost = Infinity }) => value <= atMost)
  return { ok, steps, measures, totalMs: performance.now() - startedAt, hasFetched }
}

interface Parts {
  readonly kernel: Kernel
  readonly card: string
  /** Our package, as it is installed. */
  readonly program: string
  readonly lines: readonly string[]
}

/** @param tell hears of what is not there yet */
async function makeParts(root: string, folder: string, tell: (text: string) => void): Promise<Parts> {
  const cache = join(root, 'build/board')
  mkdirSync(cache, { recursive: true })
  const kernel = await makeKernel({ root, cache, say: tell })
  const system = await makeSystem({ cache, say: tell })
  const addons = await makeOnoff({ system, cache, say: tell })
  const card = join(folder, 'card.img')
  const program = await unpackProgram(root, folder)
  await makeCard({ system, root, package: program, addons, image: card, work: join(folder, 'card') })
  const lines = [`Linux ${kernel.version}, Node.js and our package on a card of 512 MiB`]
  return { kernel, card, program, lines }
}

/** What the board and this machine install: the Debian package that `npm run package` makes, unpacked. */
async function unpackProgram(root: string, folder: string): Promise<string> {
  const built = join(root, 'build/package')
  const name = readdirSync(built).find((file) => file.endsWith('_all.deb'))
  if (name === undefined) throw new Error(`there is no package in ${built}; run \`npm run package\``)
  const target = join(folder, 'package')
  await mustFinish('dpkg-deb', ['--extract', join(built, name), target], unpackMs)
  return target
}

const unpackMs = 60_000

class StepFailed extends Error {}

class Teller {
  readonly steps: Step[] = []
  readonly measures: Measure[] = []
  readonly #say: (text: string) => void

  constructor(say: (text: string) => void) {
    this.#say = say
  }

  /** @throws StepFailed where it went wrong, which is told by then */
  async step<Value>(
    title: string,
    play: () => Promise<{ readonly value: Value; readonly lines: readonly string[] }>,
  ): Promise<Value> {
    const startedAt = performance.now()
    try {
      const { value, lines } = await play()
      this.#tell({ title, ok: true, ms: performance.now() - startedAt, lines })
      return value
    } catch (error) {
      const lines = (error as Error).message.split('\n')
      this.#tell({ title, ok: false, ms: performance.now() - startedAt, lines })
      throw new StepFailed(title)
    }
  }

  #tell(step: Step): void {
    this.steps.push(step)
    this.#say(`${step.ok ? '✓' : '✗'} ${step.title} (${(step.ms / 1_000).toFixed(1)} s)`)
    for (const line of step.lines) this.#say(`    ${line}`)
  }
}
