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
  componentsOf,
  type ComponentRef,
  type Mesh,
  type NeededComponents,
  type Opinion,
  type Rest,
  type Verdict,
} from '../../mesh/index.ts'
import type { AppSupervisor, DesiredRelease, FetchComponent } from '../apps/index.ts'
import type { AppState, AppStatus, PlacementStatus } from '../api/index.ts'
import { fitted, misfits, type Capabilities } from '../fit/index.ts'
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
    | 'isConnecting'
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
  /** Of this node. */
  readonly capabilities: Capabilities
  /** Where this node's record finds what it rests from. */
  readonly resting: Resting
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

/** What this node has given up for a while; written by its placement. */
export interface Resting {
  from: readonly Rest[]
}

export interface NodePlacement extends Part {
  /** Of apps that do not run on every node of their groups. */
  status(): readonly PlacementStatus[]
  /** Of any app; null for one of which nothing may run. */
  of(app: string): PlacementStatus | null
}

const nothing = (): void => {}

export function createPlacement(parts: PlacementParts): NodePlacement {
  const { mesh, apps, capabilities, resting, clock, random, log } = parts
  const standby = new Standby({ source: mesh.source, clock, random, log })
  const placement = new Placement()
  let placed: readonly Placed<Release>[] = []
  let cancelWake: Cancel = nothing
  const apply = (): void => {
    cancelWake()
    const nowMs = clock.monotonicMs()
    placed = placement.decide(choices(mesh, capabilities), viewOf(mesh, apps.ranBefore), nowMs)
    if (JSON.stringify(placement.rests) !== JSON.stringify(resting.from)) {
      resting.from = placement.rests
      mesh.descriptionChanged()
    }
    apps.setDesired(placed.flatMap(runningHere))
    const standing = placed.filter(({ standsBy }) => standsBy)
    standby.want(standing.map(({ release }) => fitted(release.record, capabilities).record))
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
      const place = placed.find(({ app }) => app === record.app)
      const wanted = place === undefined ? undefined : runningHere(place)[0]?.record.seq
      for (const [index, held] of mesh.releases.history(record.app).entries()) {
        const { seq } = held.record
        // Of the newest all variants that are here: other nodes may have nobody else to ask.
        const components = componentsOf(held.record)
        // What runs stays, however many newer ones this node refused.
        if (index === 0 || seq === runs || seq === wanted) required.push(...components)
        else if (index < keptReleases) (kept[index] ??= []).push(...components)
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

/**
 * Of each app that may run its releases, the newest first: an older one stays where the newest is held, or is nothing for
 * this machine.
 */
function choices({ releases }: Pick<Mesh, 'releases'>, capabilities: Capabilities): Release[][] {
  return releases.desired().map((head) => {
    const isForAll =
      head.record.placement?.everyGroup !== true && misfits(head.record, capabilities).length === 0
    if (isForAll) return [head]
    const past = releases.history(head.record.app).filter(({ role, runnable }) => role === 'past' && runnable)
    return [head, ...past]
  })
}

function viewOf(
  mesh: Pick<Mesh, 'self' | 'isConnecting' | 'members' | 'releases'>,
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
    isConnecting: mesh.isConnecting,
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

/** The release of an app that this node is to run, if any. */
function runningHere({ release, runsHere, stays, instance }: Placed<Release>): DesiredRelease[] {
  if (runsHere) return [{ ...release, instance }]
  return stays === null ? [] : [stays]
}

/** False where every node of its groups runs it. */
function isParticular({ release, held, unfit }: Placed<Release>): boolean {
  return release.record.placement !== undefined || held !== null || unfit.length > 0
}

function placementStatus({
  app,
  release,
  instance,
  nodes,
  why,
  held,
  unfit,
}: Placed<Release>): PlacementStatus {
  const { version, seq } = release.record
  const status = { app, version, seq, nodes, instance, why, ...(unfit.length > 0 && { unfit }) }
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
