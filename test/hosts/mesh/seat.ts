/** One node of the mixed mesh: what runs it, how far it came, and what its app said. */
import { readFile } from 'node:fs/promises'
import { EventLedger } from '../../../demo/ledger.ts'
import type { Daemon } from '../../../demo/stage.ts'
import { connect, type ControlClient } from '../../../host/api/index.ts'

export interface SeatParts {
  readonly name: string
  /** Takes the arguments of node. */
  readonly node: string
  /** The built program that it runs. */
  readonly program: string
}

/** An emulator takes its time to answer, too. */
const answerMs = 60_000

export class Seat implements SeatParts {
  readonly name: string
  readonly node: string
  readonly program: string
  readonly ledger: EventLedger
  daemon: Daemon | null = null
  /** From its start until it said that it is ready. */
  startMs: number | null = null
  /** Started again over its own disk. */
  restartMs: number | null = null
  /** Of all its processes, with their emulators. */
  pssMb: number | null = null
  /** Of a call that crossed to it, there and back. */
  callMs: number | null = null
  /** The first step that did not hold, and why; it sits out the rest. */
  failure: string | null = null
  /** What its machine lacks for light-alarm-ts; null where that ran here. */
  lacks: string | null = null
  /** What its node said of the app: instances that ended, and why. */
  readonly notes: string[] = []
  #client: ControlClient | null = null

  constructor({ name, node, program }: SeatParts) {
    this.name = name
    this.node = node
    this.program = program
    this.ledger = new EventLedger(name)
  }

  /** @throws before it was started */
  get client(): ControlClient {
    if (this.daemon === null) throw new Error(`${this.name} was not started`)
    this.#client ??= connect({ data: this.daemon.data, answerMs })
    return this.#client
  }

  /** Reads what light-alarm said since the last time. @returns events that `version` has handled */
  async handled(version: string): Promise<number> {
    const { ledger, notes } = this
    for (const line of await this.client.logs({ app: 'light-alarm', after: ledger.logSeq })) {
      ledger.add(line)
      if (line.context === 'node') notes.push(line.message)
    }
    return ledger.of(version).length
  }

  /** Of an app that runs here; null where it does not. */
  async running(app: string): Promise<string | null> {
    const found = (await this.client.apps()).find((candidate) => candidate.app === app)
    return found?.state === 'running' ? found.version : null
  }

  async weigh(): Promise<void> {
    this.pssMb = this.daemon === null ? null : await pssMbOf(this.daemon.pid)
  }
}

/** Proportional set size of a process and all below it. */
async function pssMbOf(pid: number): Promise<number> {
  const rollup = await readFile(`/proc/${pid}/smaps_rollup`, 'utf8')
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '')
  let total = Number(/^Pss:\s+(\d+) kB/m.exec(rollup)?.[1] ?? Number.NaN) / 1_024
  for (const child of children.split(' ').filter((word) => word.trim() !== ''))
    total += await pssMbOf(Number(child))
  return total
}
