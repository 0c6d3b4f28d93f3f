/** Keeps what runs equal to what the releases want of this node, and the disk free of components that nobody will ask for. */
import {
  every,
  fileProblems,
  messageOf,
  type Cancel,
  type Clock,
  type Digest,
  type Log,
  type Part,
  type Random,
  type Problem,
} from '../../core/index.ts'
import {
  blobsProblems,
  type ComponentRef,
  type Mesh,
  type NeededComponents,
  type Opinion,
  type Verdict,
} from '../../mesh/index.ts'
import type { AppSupervisor, FetchComponent } from '../apps/index.ts'
import type { AppState, AppStatus, PlacementStatus } from '../api/index.ts'
import { Placement, type Placed, type PlacementView } from '../placement/index.ts'
import { Standby } from './standby.ts'

/** How many releases of an app keep their component on this disk: the head, and, where there is room, two to go back to. */
const keptReleases = 3
const collectMs = 600_000
/** A timer of the system holds 24.8 days and a longer one fires at once, while `replace-after` may be 31 days. */
const longestWaitMs = 86_400_000

export interface PlacementParts {
  readonly mesh: Pick<
    Mesh,
    | 'self'
    | 'members'
    | 'releases'
    | 'blobs'
    | 'source'
    | 'onChange'
    | 'descriptionChanged'
    | 'descriptionPasses'
    | 'descriptionMoved'
  >
  readonly apps: Pick<AppSupervisor, 'setDesired' | 'status' | 'onChange' | 'onProgress' | 'ranBefore'>
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

export interface NodePlacement extends Part {
  /** Of apps that do not run on every node of their groups. */
  status(): readonly PlacementStatus[]
  /** Of any app; null for one of which nothing may run. */
  of(app: string): PlacementStatus | null
}

const nothing = (): void => {}

export function createPlacement({ mesh, apps, clock, random, log }: PlacementParts): NodePlacement {
  const standby = new Standby({ source: mesh.source, clock, random, log })
  const placement = new Placement()
  let placed: readonly Placed<Release>[] = []
  let cancelWake: Cancel = nothing
  const apply = (): void => {
    cancelWake()
    const nowMs = clock.monotonicMs()
    placed = placement.decide(choices(mesh), viewOf(mesh, apps.ranBefore), nowMs)
    const here = placed.filter(({ runsHere }) => runsHere)
    apps.setDesired(here.map(({ release, instance }) => ({ ...release, instance })))
    standby.want(placed.filter(({ standsBy }) => standsBy).map(({ release }) => release.record))
    const { wakeAtMs } = placement
    cancelWake =
      wakeAtMs === null ? nothing : clock.after(Math.min(longestWaitMs, Math.max(0, wakeAtMs - nowMs)), apply)
  }
  const needed = (): NeededComponents => {
    const required: ComponentRef[] = []
    // By how far back they are, so that of all apps the oldest go first.
    const kept: ComponentRef[][] = []
    for (const { record } of mesh.releases.heads()) {
      const runs = apps.status().find(({ app }) => app === record.app)?.seq
      const isPlaced = ({ release, runsHere }: Placed<Release>): boolean =>
        runsHere && release.record.app === record.app
      const wanted = placed.find(isPlaced)?.release.record.seq
      for (const [index, held] of mesh.releases.history(record.app).entries()) {
        const { seq, component } = held.record
        // What runs stays, however many newer ones this node refused.
        if (index === 0 || seq === runs || seq === wanted) required.push(component)
        else if (index < keptReleases) (kept[index] ??= []).push(component)
      }
    }
    return { required, kept: kept.flat() }
  }
  const collect = (): void => {
    const { required, kept } = needed()
    mesh.source
      .collect([...required, ...kept])
      .catch((error: unknown) => log.error('blobs:collect', { error: messageOf(error) }))
  }
  let settled = settledOf(apps.status())
  const describe = (): void => {
    const now = settledOf(apps.status())
    if (now === settled) return mesh.descriptionPasses()
    settled = now
    mesh.descriptionChanged()
  }
  let cancels: Cancel[] = []
  return {
    name: 'placement',
    start() {
      if (cancels.length > 0) return
      mesh.blobs.setNeeded(needed)
      cancels = [
        mesh.onChange(apply),
        apps.onChange(describe),
        apps.onProgress(() => mesh.descriptionMoved()),
        every(clock, collectMs, collect),
      ]
      apply()
    },
    status: () => placed.filter(isParticular).map(placementStatus),
    of(app) {
      const found = placed.find((one) => one.app === app)
      return found === undefined ? null : placementStatus(found)
    },
    stop() {
      cancelWake()
      standby.stop()
      for (const cancel of cancels) cancel()
      cancels = []
    },
  }
}

type Release = ReturnType<Mesh['releases']['desired']>[number]

/** Of each app that may run its releases, the newest first: an older one stays where the newest is held. */
function choices({ releases }: Pick<Mesh, 'releases'>): Release[][] {
  return releases.desired().map((head) => {
    if (head.record.placement?.everyGroup !== true) return [head]
    const past = releases.history(head.record.app).filter(({ role, runnable }) => role === 'past' && runnable)
    return [head, ...past]
  })
}

function viewOf(
  mesh: Pick<Mesh, 'self' | 'members' | 'releases'>,
  ranBefore: ReadonlyMap<string, Digest>,
): PlacementView {
  const numbers = [...ranBefore].flatMap(([app, digest]) => {
    const seq = mesh.releases.get(digest)?.record.seq
    return seq === undefined ? [] : [[app, seq] as const]
  })
  const members = mesh.members()
  const self = members.find(({ id }) => id === mesh.self)
  return {
    self: mesh.self,
    isIsolated: self?.opinion.verdict === 'isolated',
    ranBefore: new Map(numbers),
    members: members.map(({ id, name, groups, roles, opinion, held }) => ({
      id,
      name,
      groups,
      roles,
      verdict: placementVerdict(opinion),
      report: held?.record.report ?? null,
    })),
  }
}

/** Who switched its network off has given up nothing: its apps go on, and it is away like one behind a cut. */
function placementVerdict({ verdict, grounds }: Opinion): Verdict {
  return verdict === 'left' && grounds?.word?.farewell === 'network-off' ? 'dead' : verdict
}

/** False where every node of its groups runs it. */
function isParticular({ release, held }: Placed<Release>): boolean {
  return release.record.placement !== undefined || held !== null
}

function placementStatus({ app, release, instance, nodes, why, held }: Placed<Release>): PlacementStatus {
  const { version, seq } = release.record
  const status = { app, version, seq, nodes, instance, why }
  if (held === null) return status
  const { code, message, hint } = held.error
  return { ...status, held: { version: held.version, seq: held.seq, code, message, hint } }
}

/** Of an app in one of these, news follows by itself. */
const passing: ReadonlySet<AppState> = new Set(['announced', 'fetching', 'preparing', 'starting'])

/** What of all apps will stay as it is for now, as a text that compares. */
function settledOf(apps: readonly AppStatus[]): string {
  const slots = apps.flatMap(({ app, next, ...current }) => [
    { app, ...current },
    ...(next === undefined ? [] : [{ app, ...next }]),
  ])
  const kept = slots.filter(({ state }) => !passing.has(state))
  return JSON.stringify(
    kept.map(({ app, seq, state, reason, ...slot }) => {
      return [app, seq, state, reason, 'since' in slot ? [slot.since, slot.failures] : null]
    }),
  )
}

/** What the disk has is read, the rest comes from peers; either way the bytes match the signed digest. */
export function fetchFrom(mesh: Pick<Mesh, 'source'>): FetchComponent {
  return (record, onProgress, signal) =>
    mesh.source.obtain(record, {
      signal,
      onProgress: ({ haveBytes, totalBytes, fetchedBytes, patchBytes, paused }) =>
        onProgress({
          share: haveBytes / totalBytes,
          fetchedBytes,
          patchBytes,
          paused: paused === null ? null : { ...paused, hint: fixOf(paused.code) },
        }),
    })
}

/** What pauses a fetch is this node's own disk. */
const diskProblems: Readonly<Record<string, Problem>> = {
  ...blobsProblems.problems,
  ...fileProblems.problems,
}

function fixOf(code: string): string {
  return diskProblems[code]?.fix ?? 'look at this node’s log'
}
