/** `publish --wait`: follows a release from node to node, until it is decided. */
import { isSelvedgeError, type SelvedgeError } from '../../core/index.ts'
import type { ControlClient, StatusReport } from '../api/index.ts'
import { cliProblems } from './problems.ts'
import type { RolloutOutcome } from './rollout-outcome.ts'
import { isSettled, rolloutProgress } from './rollout-progress.ts'
import type { NodeProgress, RolloutProgress, Wanted } from './rollout-progress.ts'
import { unfitTexts } from './release-fit.ts'
import type { RolloutWatcher } from './rollout-watchers.ts'
import { sleep } from './sleep.ts'
import { adviceText, ageText, plain } from './text.ts'
import type { World } from './world.ts'

const lookEveryMs = 100
/** Of a large mesh a look is itself some work for the node: it gets this many times as long to rest. */
const restPerLook = 3
const longestRestMs = 1_000
/** An app that does not survive its first events has mostly met them by then: a few sampling periods. */
const watchMs = 1_000

/** What a node that is starting again answers; the release is published, and the mesh goes on without it. */
const passing = ['ERR_NODE_UNREACHABLE', 'ERR_API_ANSWER', 'ERR_API_TIMEOUT'] as const
/** So long it may be away. */
const patienceMs = 30_000

export interface WaitOptions extends Wanted {
  readonly version: string
  readonly timeoutMs: number
}

/**
 * Watches until the release runs, and a second more to see that it stays so. Nobody is waited for who waits for a
 * person: a node without the sensor that the release needs.
 * @returns `running` where every node that is here runs it; else with ERR_RELEASE_NOT_RUNNING, when a node refuses it
 *   or cannot keep it running, or ERR_NOT_IN_TIME with what each node waits for
 */
export async function followRelease(
  world: Pick<World, 'clock' | 'signal'>,
  client: Pick<ControlClient, 'status'>,
  wanted: WaitOptions,
  watcher: RolloutWatcher,
): Promise<RolloutOutcome> {
  const { clock, signal } = world
  const startedAt = clock.monotonicMs()
  let runningAtMs: number | null = null
  let lastAnswerMs = startedAt
  for (;;) {
    const askedMs = clock.monotonicMs()
    const report = await client.status().catch((error: unknown) => {
      const awayMs = clock.monotonicMs() - lastAnswerMs
      const isLate = signal.aborted || clock.monotonicMs() - startedAt >= wanted.timeoutMs
      if (!isSelvedgeError(error, ...passing) || isLate || awayMs >= patienceMs) throw error
      return null
    })
    if (report === null) {
      await sleep(longestRestMs, signal).catch(() => {})
      continue
    }
    lastAnswerMs = clock.monotonicMs()
    const lookMs = clock.monotonicMs() - askedMs
    const progress = rolloutProgress(report, wanted, clock.now())
    const elapsedMs = clock.monotonicMs() - startedAt
    watcher.saw(progress, elapsedMs)
    if (progress.held !== null) {
      const { message, hint } = progress.held
      const error = cliProblems.error('ERR_RELEASE_NOT_RUNNING', `held: ${plain(message)}`, {
        hint: adviceText(hint),
      })
      return { result: 'not-running', progress, runningAtMs: null, error }
    }
    if (progress.unfit.length > 0 && progress.nodes.length === 0 && progress.away.length === 0) {
      const error = cliProblems.error(
        'ERR_RELEASE_NOT_RUNNING',
        `no node can run ${title(wanted)}: ${unfitTexts(progress.unfit).join('; ')}`,
      )
      return { result: 'not-running', progress, runningAtMs: null, error }
    }
    const failed = progress.nodes.filter(
      ({ stage, state }) => stage === 'failed' || (runningAtMs !== null && state === 'backoff'),
    )
    if (failed.length > 0 && (runningAtMs !== null || isSettled(progress))) {
      const error = notRunning(wanted, progress, failed)
      return { result: 'not-running', progress, runningAtMs: null, error }
    }
    const isLate = signal.aborted || elapsedMs >= wanted.timeoutMs
    const late = (timeoutMs: number | null): RolloutOutcome => {
      const error = notInTime(wanted, progress, report, timeoutMs)
      return { result: 'not-in-time', progress, runningAtMs: null, error }
    }
    if (isSettled(progress)) {
      runningAtMs ??= startedAt + elapsedMs
      if (isLate || startedAt + elapsedMs - runningAtMs >= watchMs) {
        const isEverywhere = progress.nodes.every(({ stage }) => stage === 'running')
        return isEverywhere ? { result: 'running', progress, runningAtMs, error: null } : late(elapsedMs)
      }
    } else if (isLate) {
      return late(signal.aborted ? null : wanted.timeoutMs)
    }
    const restMs = Math.min(longestRestMs, Math.max(lookEveryMs, lookMs * restPerLook))
    await sleep(restMs, signal).catch(() => {})
  }
}

function notRunning(
  wanted: WaitOptions,
  progress: RolloutProgress,
  failed: readonly NodeProgress[],
): SelvedgeError {
  const others = progress.nodes.filter((node) => node.stage !== 'running' && !failed.includes(node))
  const { lines, hint } = explained([...failed, ...others])
  const message = [`${title(wanted)} runs on ${progress.running}/${progress.nodes.length} nodes`, ...lines]
  return cliProblems.error(
    'ERR_RELEASE_NOT_RUNNING',
    [...message, ...awayLines(progress)].join('\n'),
    hint === null ? {} : { hint },
  )
}

function notInTime(
  wanted: WaitOptions,
  progress: RolloutProgress,
  report: StatusReport,
  timeoutMs: number | null,
): SelvedgeError {
  const { lines, hint } = explained(progress.nodes.filter(({ stage }) => stage !== 'running'))
  const where = wanted.groups.length === 0 ? 'no node' : `no node of ${wanted.groups.join(', ')}`
  const nobody =
    progress.nodes.length === 0 ? [`  ${where} is alive as seen from ${plain(report.self.name)}`] : []
  const after = timeoutMs === null ? 'when it was interrupted' : `after ${ageText(timeoutMs)}`
  return cliProblems.error(
    'ERR_NOT_IN_TIME',
    [
      `${after} ${title(wanted)} ran on ${progress.running}/${progress.nodes.length} nodes`,
      ...nobody,
      ...lines,
      ...awayLines(progress),
    ].join('\n'),
    { hint: hint ?? 'the mesh goes on by itself: watch it with `selvedge status --watch`' },
  )
}

/** Names told on one line; a whole fleet may refuse a release for one reason. */
const maxNames = 8
/** Different reasons told; the rest is counted. */
const maxReasons = 16

/**
 * Why nodes do not run it, those with one reason together. What to do about it stands below each where there is more
 * than one, and else at the end, as an error's own hint.
 */
function explained(nodes: readonly NodeProgress[]): {
  readonly lines: readonly string[]
  readonly hint: string | null
} {
  const groups = new Map<string, NodeProgress[]>()
  for (const node of nodes) {
    const key = `${node.doing} ${node.reason?.code} ${node.reason?.message}`
    groups.set(key, [...(groups.get(key) ?? []), node])
  }
  const hints = [...new Set(nodes.flatMap(({ reason }) => reason?.hint ?? []))]
  const all = [...groups.values()]
  const lines = all.slice(0, maxReasons).flatMap((those) => {
    const reason = those[0]?.reason ?? null
    const line = `  ${namesText(those.map(({ name }) => name))}: ${whatOf(those)}`
    return reason === null || hints.length < 2
      ? [line]
      : [line, `    next: ${adviceText(reason.hint).replaceAll('\n', '\n      ')}`]
  })
  const rest = all.slice(maxReasons).reduce((sum, those) => sum + those.length, 0)
  return {
    lines: rest === 0 ? lines : [...lines, `  and ${rest} more: see \`selvedge status\``],
    hint: hints[0] ?? null,
  }
}

/** Of several nodes what they have in common; of a single one also how far it is, or since when. */
function whatOf(nodes: readonly NodeProgress[]): string {
  const [node] = nodes
  if (node === undefined) return ''
  const { doing, detail, stage, reason } = node
  const how = nodes.length > 1 || detail === '' || stage === 'failed' ? doing : `${doing} ${detail}`
  return reason === null ? how : `${how}: ${reason.code}: ${plain(reason.message)}`
}

function awayLines({ away }: RolloutProgress): string[] {
  if (away.length === 0) return []
  return [`  away, and gets it when it is back: ${namesText(away.map(awayText))}`]
}

export function awayText({ name, state }: RolloutProgress['away'][number]): string {
  return `${name} (${state})`
}

export function namesText(names: readonly string[]): string {
  const shown = names.slice(0, maxNames).join(', ')
  return names.length <= maxNames ? shown : `${shown} and ${names.length - maxNames} more`
}

function title({ app, version, seq }: WaitOptions): string {
  return `${app} ${version} (seq ${seq})`
}
