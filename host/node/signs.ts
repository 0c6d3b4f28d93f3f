/**
 * Signs of attacks that no refusal at the door stands for: news that stays away, and releases that are not for this
 * node. Looked at when something changes and now and then, told once each time they begin.
 */
import { every, type Cancel, type Clock, type Part } from '../../core/index.ts'
import { attackOfCode, digestOfHeads, type Mesh } from '../../mesh/index.ts'
import type { HeartbeatStatus } from '../api/index.ts'
import type { AppSupervisor } from '../apps/index.ts'
import { heartbeatStatus } from './heartbeat-status.ts'
import { nodeProblems } from './problems.ts'

const lookMs = 10_000

export interface SignsParts {
  readonly mesh: Pick<Mesh, 'trust' | 'heartbeats' | 'releases' | 'witness'>
  readonly apps: Pick<AppSupervisor, 'status' | 'onChange'>
  readonly clock: Clock
}

export class Signs implements Part {
  readonly name = 'signs'
  readonly #parts: SignsParts
  /** Since when this node holds the releases it holds; a node that starts cannot know, and takes its start. */
  #releasesSinceMs: number
  #told: ReadonlySet<string> = new Set()
  #cancels: Cancel[] = []

  constructor(parts: SignsParts) {
    this.#parts = parts
    this.#releasesSinceMs = parts.clock.monotonicMs()
  }

  start(): void {
    if (this.#cancels.length > 0) return
    const { mesh, apps, clock } = this.#parts
    this.#cancels = [
      mesh.releases.onChange(() => (this.#releasesSinceMs = clock.monotonicMs())),
      apps.onChange(() => this.#look()),
      every(clock, lookMs, () => this.#look()),
    ]
  }

  stop(): void {
    for (const cancel of this.#cancels) cancel()
    this.#cancels = []
  }

  /** null where the mesh uses none. */
  heartbeat(): HeartbeatStatus | null {
    const { mesh, clock } = this.#parts
    const last = mesh.heartbeats.last()
    if (last === null) return null
    return heartbeatStatus({
      last,
      trustVersion: mesh.trust.current?.record.version ?? 0,
      releases: digestOfHeads(mesh.releases.heads()),
      releasesSinceMs: this.#releasesSinceMs,
      nowMs: clock.monotonicMs(),
    })
  }

  /** What is wrong with the heartbeat, for `status`. */
  problems(): { code: string; message: string; hint: string }[] {
    const error = heartbeatProblem(this.heartbeat())
    return error === null ? [] : [{ code: error.code, message: error.message, hint: error.hint }]
  }

  #look(): void {
    const { mesh, apps } = this.#parts
    const ofApps = apps
      .status()
      .flatMap(({ app, reason, next }) =>
        [reason, next?.reason].flatMap((why) => (why === undefined ? [] : [{ ...why, app }])),
      )
    const now = [
      ...ofApps.map(({ code, message, app }) => ({ code, detail: `${app}: ${message}` })),
      ...this.problems().map(({ code, message }) => ({ code, detail: message })),
    ]
    const keys = new Set(now.map(({ code, detail }) => (isTimed(code) ? code : `${code} ${detail}`)))
    for (const { code, detail } of now) {
      const attack = attackOfCode(code)
      if (attack === null || this.#told.has(isTimed(code) ? code : `${code} ${detail}`)) continue
      mesh.witness.seen('node', attack, null, detail)
    }
    this.#told = keys
  }
}

/** Its message tells an age, which is another every time. */
function isTimed(code: string): boolean {
  return code.startsWith('ERR_HEARTBEAT')
}

function heartbeatProblem(status: HeartbeatStatus | null): ReturnType<typeof nodeProblems.error> | null {
  if (status === null || status.ageMs === null) return null
  const minutes = Math.floor(status.ageMs / 60_000)
  if (status.state === 'overdue') {
    return nodeProblems.error(
      'ERR_HEARTBEAT_OVERDUE',
      `the last heartbeat of an admin came ${minutes} min ago; one was promised every ${Math.round((status.everyMs ?? 0) / 60_000)} min`,
    )
  }
  if (status.state !== 'behind') return null
  return nodeProblems.error(
    'ERR_HEARTBEAT_BEHIND',
    `the heartbeat of ${minutes} min ago tells of newer trust or other releases than have come here`,
  )
}
