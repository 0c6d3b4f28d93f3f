/** Keeps what runs equal to what the releases want, and the disk free of components that nobody will ask for. */
import {
  every,
  fileProblems,
  messageOf,
  type Cancel,
  type Clock,
  type Log,
  type Part,
  type Problem,
} from '../../core/index.ts'
import { blobsProblems, type ComponentRef, type Mesh } from '../../mesh/index.ts'
import type { AppState, AppStatus } from '../api/index.ts'
import type { AppSupervisor, FetchComponent } from '../apps/index.ts'

/** How many releases of an app keep their component on this disk: the head, and two to go back to. */
const keptReleases = 3
const collectMs = 600_000

export interface PlacementParts {
  readonly mesh: Pick<
    Mesh,
    | 'releases'
    | 'blobs'
    | 'source'
    | 'onChange'
    | 'descriptionChanged'
    | 'descriptionPasses'
    | 'descriptionMoved'
  >
  readonly apps: Pick<AppSupervisor, 'setDesired' | 'status' | 'onChange' | 'onProgress'>
  readonly clock: Clock
  readonly log: Log
}

export function createPlacement({ mesh, apps, clock, log }: PlacementParts): Part {
  const apply = (): void => apps.setDesired(mesh.releases.desired())
  const needed = (): ComponentRef[] =>
    mesh.releases.heads().flatMap(({ record }) => {
      const runs = apps.status().find(({ app }) => app === record.app)?.seq
      // What runs stays, however many newer ones this node refused.
      return mesh.releases
        .history(record.app)
        .filter((held, index) => index < keptReleases || held.record.seq === runs)
        .map((held) => held.record.component)
    })
  const collect = (): void => {
    mesh.source
      .collect(needed())
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
    stop() {
      for (const cancel of cancels) cancel()
      cancels = []
    },
  }
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
