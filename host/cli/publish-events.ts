/**
 * `publish --wait --json`: one JSON document a line, schema `selvedge.publish-event/1`, each with `event` and `ms` since the
 * command began. They come in this order; programs skip events and fields that they do not know.
 *
 * | event | fields |
 * | --- | --- |
 * | `uploaded` | `app`, `component`, `sizeBytes`, and `moves`: `fullBytes` to a node that has nothing of it, `updateBytes` at most to one with the release before (null for the first) |
 * | `signed` | `app`, `version`, `seq`, `changes`: what differs from the release before, each `{ field, says, asksMore }` |
 * | `accepted` | `app`, `version`, `seq`, `digest`, `component`, `sizeBytes` |
 * | `node-progress` | `node`, `state` (of `status`, or `unaware`), `transfer` or null, and `reason` where it waits |
 * | `node-running` | `node`, `transfer` or null |
 * | `node-refused` | `node`, `state` (`failed`, `stopped`, `waiting`, `backoff`), `reason` or null: `{ code, message, hint }` |
 * | `summary` | last, also after a failure behind `accepted`: the fields of `accepted`, `result`, and `nodes` |
 *
 * Where nobody waits nothing streams: `publish --json` prints the fields of `summary` as one document, schema
 * `selvedge.publish/1`. `result` is `published` (nobody waited), `running`, `not-running` (exit code 1) or
 * `not-in-time` (3). `nodes` is null where nobody waited, else `running` of `expected`, `fetchedBytes` of all together,
 * `notRunning`, `away` and `unfit`. A `transfer` has `haveBytes`, `totalBytes`, `fetchedBytes`, `via`, `ms` and, under way, `bytesPerSecond`.
 */
import type { ReleaseEntry, UploadReport } from '../api/index.ts'
import type { CommandContext } from './command.ts'
import { printJson } from './print.ts'
import type { Change } from './release-changes.ts'
import type { NodeProgress, RolloutProgress } from './rollout-progress.ts'
import type { RolloutOutcome } from './rollout-outcome.ts'

export const publishEventSchema = 'selvedge.publish-event/1'
const publishSchema = 'selvedge.publish/1'
const unsaid = (): void => {}

export interface EventSink {
  uploaded(app: string, report: UploadReport): void
  signed(app: string, version: string, seq: number, changes: readonly Change[]): void
  accepted(entry: ReleaseEntry): void
  node(node: NodeProgress): void
  /** @param outcome null where nobody waited */
  summary(entry: ReleaseEntry, outcome: RolloutOutcome | null): void
}

/** @param startedAtMs monotonic */
export function publishEvents(context: Pick<CommandContext, 'world'>, startedAtMs: number): EventSink {
  const { clock } = context.world
  const emit = (event: string, fields: object, atMs = clock.monotonicMs()): void =>
    printJson(context, publishEventSchema, { event, ms: Math.round(atMs - startedAtMs), ...fields })
  return {
    uploaded: (app, { digest, sizeBytes, moves = null }) =>
      emit('uploaded', { app, component: digest, sizeBytes, moves }),
    signed: (app, version, seq, changes) => emit('signed', { app, version, seq, changes }),
    accepted: (entry) => emit('accepted', factsOf(entry)),
    node: (node) => emit(eventOf(node), fieldsOf(node)),
    // What was watched after it ran everywhere is not time that it took.
    summary: (entry, outcome) =>
      emit('summary', summaryOf(entry, outcome), outcome?.runningAtMs ?? undefined),
  }
}

/**
 * For a program that does not wait: the summary alone, as one document.
 * @param startedAtMs monotonic
 */
export function publishDocument(context: Pick<CommandContext, 'world'>, startedAtMs: number): EventSink {
  const { clock } = context.world
  return {
    uploaded: unsaid,
    signed: unsaid,
    accepted: unsaid,
    node: unsaid,
    summary: (entry, outcome) =>
      printJson(context, publishSchema, {
        ...summaryOf(entry, outcome),
        ms: Math.round(clock.monotonicMs() - startedAtMs),
      }),
  }
}

function summaryOf(entry: ReleaseEntry, outcome: RolloutOutcome | null): object {
  const nodes = outcome === null ? null : nodesOf(outcome.progress)
  return { ...factsOf(entry), result: outcome?.result ?? 'published', nodes }
}

function factsOf({ app, version, seq, digest, component, sizeBytes }: ReleaseEntry): object {
  return { app, version, seq, digest, component, sizeBytes }
}

function eventOf({ stage, state }: NodeProgress): string {
  if (stage === 'running') return 'node-running'
  return stage === 'failed' || stage === 'waiting' || state === 'backoff' ? 'node-refused' : 'node-progress'
}

function fieldsOf({ name, stage, state, transfer, reason }: NodeProgress): object {
  if (stage === 'running') return { node: name, transfer }
  if (stage === 'failed' || stage === 'waiting' || state === 'backoff') return { node: name, state, reason }
  return { node: name, state, transfer, ...(reason !== null && { reason }) }
}

function nodesOf({ nodes, running, away, unfit }: RolloutProgress): object {
  return {
    running,
    expected: nodes.length,
    fetchedBytes: nodes.reduce((sum, { transfer }) => sum + (transfer?.fetchedBytes ?? 0), 0),
    notRunning: nodes
      .filter(({ stage }) => stage !== 'running')
      .map(({ name, state, reason }) => ({ node: name, state, reason })),
    away: away.map(({ name, state }) => ({ node: name, state })),
    unfit: unfit.flatMap(({ names, lacks }) => names.map((node) => ({ node, lacks }))),
  }
}
