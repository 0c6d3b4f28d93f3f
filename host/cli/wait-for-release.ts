/** `publish --wait`: follows a release from node to node, a line for each change, until it is decided. */
import type { SelvedgeError } from '../../core/index.ts'
import type { ControlClient, StatusReport } from '../api/index.ts'
import { cliProblems } from './problems.ts'
import { isSettled, rolloutProgress } from './rollout-progress.ts'
import type { NodeProgress, RolloutProgress, Wanted } from './rollout-progress.ts'
import { paintFor } from './paint.ts'
import { sleep } from './sleep.ts'
import { ageText, plain } from './text.ts'
import type { World } from './world.ts'

const lookEveryMs = 100
/** An app that does not survive its first events has mostly met them by then: a few sampling periods. */
const watchMs = 1_000

export interface WaitOptions extends Wanted {
  readonly version: string
  readonly timeoutMs: number
}

export interface WaitedRollout extends RolloutProgress {
  /** Monotonic: when the last of them was seen to run it. */
  readonly runningAtMs: number
}

/**
 * Waits until the release runs, and a second more to see that it stays so. Nobody is waited for who waits for a
 * person: a node without the sensor that the release needs.
 * @returns the last look, in which every node that is here runs the release
 * @throws ERR_RELEASE_NOT_RUNNING when a node refuses it or cannot keep it running; ERR_NOT_IN_TIME with what each
 *   node waits for
 */
export async function waitForRelease(
  world: World,
  client: Pick<ControlClient, 'status'>,
  wanted: WaitOptions,
): Promise<WaitedRollout> {
  const startedAt = world.clock.monotonicMs()
  let runningAtMs: number | null = null
  const told = new Map<string, string>()
  for (;;) {
    const report = await client.status()
    const progress = rolloutProgress(report, wanted, world.clock.now())
    const elapsedMs = world.clock.monotonicMs() - startedAt
    for (const node of progress.nodes) tellChange(world, told, node, elapsedMs)
    const failed = progress.nodes.filter(
      ({ stage, doing }) => stage === 'failed' || (runningAtMs !== null && doing === 'backoff'),
    )
    if (failed.length > 0 && (runningAtMs !== null || isSettled(progress))) {
      throw notRunning(wanted, progress, failed)
    }
    const isLate = world.signal.aborted || elapsedMs >= wanted.timeoutMs
    if (isSettled(progress)) {
      runningAtMs ??= startedAt + elapsedMs
      if (isLate || startedAt + elapsedMs - runningAtMs >= watchMs) {
        if (progress.nodes.every(({ stage }) => stage === 'running')) return { ...progress, runningAtMs }
        throw notInTime(wanted, progress, report, elapsedMs)
      }
    } else if (isLate) {
      throw notInTime(wanted, progress, report, world.signal.aborted ? null : wanted.timeoutMs)
    }
    await sleep(lookEveryMs, world.signal).catch(() => {})
  }
}

const signs = { running: '●', 'under way': '◐', waiting: '◐', failed: '✗' } as const

function tellChange(world: World, told: Map<string, string>, node: NodeProgress, elapsedMs: number): void {
  if (told.get(node.name) === node.doing) return
  told.set(node.name, node.doing)
  const paint = paintFor(world.stderr.colour)
  const tone = { running: paint.green, 'under way': paint.yellow, waiting: paint.yellow, failed: paint.red }[
    node.stage
  ]
  const after = node.stage === 'running' ? ` after ${ageText(elapsedMs)}` : ''
  const reason = node.reason === null ? '' : `: ${plain(node.reason.message)}`
  world.stderr.write(`  ${tone(signs[node.stage])} ${node.name}  ${node.doing}${after}${reason}\n`)
}

function notRunning(
  wanted: WaitOptions,
  progress: RolloutProgress,
  failed: readonly NodeProgress[],
): SelvedgeError {
  const lines = failed.map(({ name, doing, reason }) =>
    reason === null ? `  ${name}: ${doing}` : `  ${name}: ${doing}: ${reason.code}: ${plain(reason.message)}`,
  )
  const hint = failed.find(({ reason }) => reason !== null)?.reason?.hint
  const message = `${title(wanted)} runs on ${progress.running}/${progress.nodes.length} nodes\n${lines.join('\n')}`
  return cliProblems.error('ERR_RELEASE_NOT_RUNNING', message, hint === undefined ? {} : { hint })
}

function notInTime(
  wanted: WaitOptions,
  progress: RolloutProgress,
  report: StatusReport,
  timeoutMs: number | null,
): SelvedgeError {
  const unfinished = progress.nodes.filter(({ stage }) => stage !== 'running')
  const waiting = unfinished.map(({ name, doing, detail, reason }) => {
    const how = detail === '' ? doing : `${doing} ${detail}`
    return `  ${name}: ${how}${reason === null ? '' : `: ${reason.code}: ${plain(reason.message)}`}`
  })
  const fix = unfinished.find(({ reason }) => reason !== null)?.reason?.hint
  const where = wanted.groups.length === 0 ? 'no node' : `no node of ${wanted.groups.join(', ')}`
  const nobody =
    progress.nodes.length === 0 ? [`  ${where} is alive as seen from ${plain(report.self.name)}`] : []
  const after = timeoutMs === null ? 'when it was interrupted' : `after ${ageText(timeoutMs)}`
  return cliProblems.error(
    'ERR_NOT_IN_TIME',
    [
      `${after} ${title(wanted)} ran on ${progress.running}/${progress.nodes.length} nodes`,
      ...nobody,
      ...waiting,
    ].join('\n'),
    { hint: fix ?? 'the mesh goes on by itself: watch it with `selvedge status --watch`' },
  )
}

function title({ app, version, seq }: WaitOptions): string {
  return `${app} ${version} (seq ${seq})`
}
