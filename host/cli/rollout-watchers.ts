/**
 * Who watches a rollout, and how it is told: in place on a terminal, a line for each change in a log, an event for
 * each change to a program.
 */
import { canRewrite, LiveBlock } from './live-block.ts'
import { paintFor } from './paint.ts'
import type { EventSink } from './publish-events.ts'
import type { NodeProgress, RolloutProgress } from './rollout-progress.ts'
import { rolloutLines, stageSigns, toneOf } from './rollout-view.ts'
import { ageText, plain } from './text.ts'
import { cameText } from './transfer-text.ts'
import type { World } from './world.ts'

export interface RolloutWatcher {
  /** Called with each look, some times a second. */
  saw(progress: RolloutProgress, elapsedMs: number): void
}

/** Rows where a terminal does not say how many it has. */
const usualHeight = 24

/** For a person. @param title `light-alarm 2.0.1` */
export function watcherFor(world: Pick<World, 'stderr' | 'env'>, title: string): RolloutWatcher {
  const { stderr, env } = world
  if (!canRewrite(stderr, env)) return new LineWatcher(stderr)
  const block = new LiveBlock(stderr)
  return {
    saw(progress, elapsedMs) {
      const { width, height = usualHeight, colour } = stderr
      block.draw(rolloutLines(progress, { title, elapsedMs, width, height, colour }))
    },
  }
}

/** A download that says nothing for so long looks as if it hung. */
const lineEveryMs = 10_000

/** A line for each change of each node, and now and then one for a download that goes on. */
class LineWatcher implements RolloutWatcher {
  readonly #output: World['stderr']
  readonly #told = new Map<string, { readonly text: string; readonly atMs: number }>()

  constructor(output: World['stderr']) {
    this.#output = output
  }

  saw({ nodes }: RolloutProgress, elapsedMs: number): void {
    for (const node of nodes) {
      const text = `${node.doing} ${node.reason?.code ?? ''}`
      const before = this.#told.get(node.name)
      const isDue = node.state === 'fetching' && elapsedMs - (before?.atMs ?? 0) >= lineEveryMs
      if (before?.text === text && !isDue) continue
      this.#told.set(node.name, { text, atMs: elapsedMs })
      this.#output.write(this.#lineOf(node, elapsedMs, before?.text === text))
    }
  }

  #lineOf(node: NodeProgress, elapsedMs: number, isStill: boolean): string {
    const paint = paintFor(this.#output.colour)
    const { stage, doing, detail, reason, transfer } = node
    const came = transfer === null ? '' : `, ${cameText(transfer)}`
    const how =
      stage === 'running'
        ? ` after ${ageText(elapsedMs)}${came}`
        : isStill && detail !== ''
          ? `  ${detail}`
          : ''
    const why = reason === null ? '' : `: ${plain(reason.message)}`
    return `  ${toneOf(node, paint)(stageSigns[stage])} ${node.name}  ${doing}${how}${why}\n`
  }
}

/** Steps in which a program hears of a download, as far as nodes tell them. */
const eventStep = 0.05
const eventEveryMs = 1_000

interface Told {
  readonly state: string
  readonly share: number
  readonly atMs: number
}

/** For a program. */
export function eventWatcher(events: EventSink): RolloutWatcher {
  const told = new Map<string, Told>()
  return {
    saw({ nodes }, elapsedMs) {
      for (const node of nodes) {
        const before = told.get(node.name)
        const now = {
          state: `${node.state} ${node.reason?.code ?? ''}`,
          share: shareOf(node),
          atMs: elapsedMs,
        }
        if (before !== undefined && !isNews(before, now)) continue
        told.set(node.name, now)
        events.node(node)
      }
    },
  }
}

function isNews(before: Told, now: Told): boolean {
  if (before.state !== now.state) return true
  // What goes back is a download that began anew: a program that draws a bar should know.
  return Math.abs(now.share - before.share) >= eventStep && now.atMs - before.atMs >= eventEveryMs
}

function shareOf({ transfer, state }: NodeProgress): number {
  if (state !== 'fetching' || transfer === null || transfer.totalBytes === 0) return 0
  return transfer.haveBytes / transfer.totalBytes
}
