/**
 * Makes a node a service: all of it, or nothing.
 *
 * A plan is made first and changes nothing; it is what `--dry-run` shows. Then each thing that is done leaves behind
 * how it is taken back, and what fails, a person's Ctrl-C included, takes back everything before it in reverse.
 */
import { dirname } from 'node:path'
import { delay, messageOf, type Clock } from '../../core/index.ts'
import {
  ownMark,
  type CommandLine,
  type ServiceFile,
  type ServiceManager,
  type ServiceOrder,
  type Step,
} from './contract.ts'
import type { Machine } from './machine.ts'
import { serviceProblems } from './problems.ts'
import { refuseUnreachable } from './reach.ts'
import { readServiceFile, refuseWithoutRights } from './rights.ts'
import { sampleConfig } from './sample-config.ts'
import { userSteps } from './user-steps.ts'

export interface ServicePlan {
  readonly manager: ServiceManager
  readonly order: ServiceOrder
  /** The service's own, written anew. */
  readonly files: readonly ServiceFile[]
  /** Written where they are missing, and never taken away by an uninstallation: a person's settings. */
  readonly settings: readonly ServiceFile[]
  readonly before: readonly Step[]
  readonly after: readonly Step[]
  readonly isRunning: boolean
}

export interface InstallReport {
  /** False where the node runs but does not answer yet, as one that waits for the peer that lets it in. */
  readonly answers: boolean
}

export interface Watch {
  readonly clock: Clock
  readonly signal: AbortSignal
  /** True once the node answers at its control socket. */
  answers(): Promise<boolean>
}

/** A node that begins with an error has ended by then. */
const patienceMs = 20_000
const pollMs = 250

/**
 * @throws ERR_SERVICE_FOREIGN, ERR_SERVICE_UNREADABLE, ERR_SERVICE_WORD, ERR_SERVICE_MANAGER, ERR_SERVICE_ROOT,
 *   ERR_SERVICE_FILE; it has changed nothing
 */
export async function planOf(
  machine: Machine,
  manager: ServiceManager,
  order: ServiceOrder,
): Promise<ServicePlan> {
  const { scope } = order
  const unfit = manager.unfit(scope)
  if (unfit !== null) {
    throw serviceProblems.error('ERR_SERVICE_MANAGER', unfit, {
      hint: 'leave out --user, and run it as root',
    })
  }
  refuseUnreachable(manager, order)
  const all = manager.files(order)
  const there = await textsOf(machine, manager, order, all)
  const files = all
    .filter(({ path, isKept }) => isKept !== true || !there.has(path))
    .map((file) => withOld(file, there.get(file.path)))
  const known = all[0] !== undefined && machine.exists(all[0].path)
  const standing = known ? await manager.stateOf(machine, scope) : null
  const isRunning = standing !== null && standing.state !== 'stopped'
  const before = { isEnabled: standing?.isEnabled ?? false, isRunning }
  const settings = machine.exists(order.config)
    ? []
    : [{ path: order.config, text: sampleConfig, mode: 0o644 }]
  return {
    manager,
    order,
    files,
    settings,
    before: order.user === null ? [] : await userSteps(machine, order.user, order.data),
    after: manager.start(scope, before),
    isRunning,
  }
}

function withOld(file: ServiceFile, old: string | undefined): ServiceFile {
  return old === undefined || file.merged === undefined ? file : { ...file, text: file.merged(old) }
}

/** @returns what is in those that there are, by their paths. @throws ERR_SERVICE_FOREIGN for somebody else's */
async function textsOf(
  machine: Machine,
  manager: ServiceManager,
  { scope }: ServiceOrder,
  files: readonly ServiceFile[],
): Promise<ReadonlyMap<string, string>> {
  const packaged = manager.packaged(scope).find((path) => machine.exists(path))
  if (packaged !== undefined) {
    throw serviceProblems.error('ERR_SERVICE_FOREIGN', `a package brought ${packaged}`, {
      hint: 'it needs no installation: switch it on with `systemctl enable --now selvedge`',
    })
  }
  const texts = new Map<string, string>()
  for (const { path } of files) {
    const text = await readServiceFile(machine, scope, path)
    if (text !== null) texts.set(path, text)
    if (text === null || text.includes(ownMark)) continue
    throw serviceProblems.error('ERR_SERVICE_FOREIGN', `${path} is there and was not written by selvedge`, {
      hint: `look at it, and move it away: mv ${path} ${path}.before`,
    })
  }
  return texts
}

/**
 * Does what the plan says and waits until the node is up.
 * @throws ERR_SERVICE_ROOT, ERR_SERVICE_FILE, ERR_SERVICE_COMMAND, ERR_SERVICE_DOWN, the signal's reason: everything
 *   is as it was; ERR_SERVICE_UNDO where that failed
 */
export async function installService(
  machine: Machine,
  plan: ServicePlan,
  watch: Watch,
): Promise<InstallReport> {
  const { manager, order } = plan
  refuseWithoutRights(machine, order.scope, 'install')
  const undo = new UndoList(machine)
  try {
    for (const step of plan.before) await undo.step(step)
    // Taken back last, when the files are as they were.
    undo.later(() => settle(machine, plan))
    for (const file of [...plan.settings, ...plan.files]) {
      watch.signal.throwIfAborted()
      await undo.file(file)
    }
    for (const step of plan.after) {
      watch.signal.throwIfAborted()
      await undo.step(step)
    }
    return { answers: await staysUp(machine, manager, order, watch) }
  } catch (error) {
    await undo.takeBack(error)
    throw error
  }
}

async function settle(machine: Machine, { manager, order, isRunning }: ServicePlan): Promise<void> {
  for (const line of manager.forget(order.scope)) await machine.run(line)
  const again = isRunning ? manager.start(order.scope, { isEnabled: true, isRunning }).at(-1) : undefined
  if (again !== undefined) await machine.run(again.run)
}

async function staysUp(
  machine: Machine,
  manager: ServiceManager,
  { scope }: ServiceOrder,
  { clock, signal, answers }: Watch,
): Promise<boolean> {
  const before = (await manager.stateOf(machine, scope)).restarts ?? 0
  for (const until = clock.monotonicMs() + patienceMs; clock.monotonicMs() < until;) {
    signal.throwIfAborted()
    if (await answers()) return true
    const { state, restarts } = await manager.stateOf(machine, scope)
    if (state === 'failed' || state === 'stopped' || (restarts ?? 0) > before) {
      const { output } = await machine.run(manager.logCommand(scope))
      throw serviceProblems.error(
        'ERR_SERVICE_DOWN',
        `the node ended as soon as it was started; it said:\n${complaint(output)}`,
      )
    }
    await delay(clock, pollMs, signal)
  }
  return false
}

/** What was done, and how it is taken back. */
class UndoList {
  readonly #machine: Machine
  readonly #undo: (() => Promise<string | null>)[] = []

  constructor(machine: Machine) {
    this.#machine = machine
  }

  later(run: () => Promise<void>): void {
    this.#undo.push(async () => {
      await run()
      return null
    })
  }

  /** @throws ERR_SERVICE_COMMAND */
  async step({ run, undo, undoUnless }: Step): Promise<void> {
    const { status, output } = await this.#machine.run(run)
    // Also of one that failed: what it did halfway is taken back.
    if (undo !== undefined) this.#undo.push(() => this.#runBack(undo, undoUnless, status === 0))
    if (status === 0) return
    const said = lastLines(output, 2) || `it ended with ${status ?? 'a signal'}`
    throw serviceProblems.error('ERR_SERVICE_COMMAND', `\`${run.join(' ')}\` failed: ${said}`)
  }

  /** @throws ERR_SERVICE_FILE */
  async file({ path, text, mode }: ServiceFile): Promise<void> {
    const machine = this.#machine
    const hadFolder = machine.exists(dirname(path))
    try {
      const old = await machine.read(path)
      this.#undo.push(async () => {
        if (old === null) await machine.remove(path)
        else await machine.write(path, old.text, old.mode)
        if (!hadFolder && machine.exists(dirname(path))) await machine.run(['rmdir', dirname(path)])
        return null
      })
      await machine.write(path, text, mode)
    } catch (cause) {
      throw serviceProblems.error('ERR_SERVICE_FILE', `cannot write ${path}: ${messageOf(cause)}`, { cause })
    }
  }

  /** @throws ERR_SERVICE_UNDO with what is left to do */
  async takeBack(because: unknown): Promise<void> {
    const left: string[] = []
    for (const undo of this.#undo.toReversed()) {
      const failed = await undo().catch((error: unknown) => messageOf(error))
      if (failed !== null) left.push(failed)
    }
    if (left.length === 0) return
    throw serviceProblems.error(
      'ERR_SERVICE_UNDO',
      `${messageOf(because)}\nand this could not be taken back: ${left.join('; ')}`,
      { cause: because },
    )
  }

  async #runBack(
    line: CommandLine,
    unless: string | undefined,
    mustSucceed: boolean,
  ): Promise<string | null> {
    if (unless !== undefined && this.#machine.exists(unless)) return null
    const { status, output } = await this.#machine.run(line)
    return status === 0 || !mustSucceed ? null : `\`${line.join(' ')}\`: ${lastLines(output, 1)}`
  }
}

/** The last error that a log ends with, and what belongs to it. */
function complaint(log: string): string {
  const lines = log.trim().split('\n')
  const at = lines.findLastIndex((line) => line.startsWith('error['))
  return (at === -1 ? lines.slice(-3) : lines.slice(at, at + 6)).join('\n')
}

function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join('\n')
}
