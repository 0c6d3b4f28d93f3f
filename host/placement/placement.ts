/**
 * Which apps this node runs, decided from signed records and verdicts alone, so that nodes that see the same choose
 * the same and nobody has to be asked.
 *
 * Placement is separate from verdicts: a node that is not reached keeps its place for a while, then the next one by hash
 * stands in, also where only a cut lies between them: each part of a mesh runs what it should. When the owner is back the
 * stand-in stops only after the owner says that it runs. Pure: a view and the time go in, decisions come out.
 */
import type { ReleaseRecord, Rest } from '../../mesh/index.ts'
import { lacks, unfit } from './eligibility.ts'
import { HandOvers } from './hand-overs.ts'
import { isInScope, ruleOf, scopesOf, type Rule } from './rule.ts'
import { Rendezvous, type Slot } from './slots.ts'
import { Absences } from './absences.ts'
import { placementProblems } from './problems.ts'
import { instanceName } from './instance-name.ts'
import { isMeantFor, misfitsIn, restsOfMisfit, staying } from './misfits.ts'
import type { Placed, PlacedRelease } from './placed.ts'
import { unmet } from './unmet.ts'
import type { PlacedMember, PlacementView } from './view.ts'
import { elsewhere, nameOf } from './words.ts'

interface Place {
  readonly scope: string
  readonly slot: Slot
}

/** What this node runs, in which place. */
interface Holding {
  readonly scope: string
  readonly index: number
}

export class Placement {
  readonly #absences = new Absences()
  readonly #handOvers = new HandOvers()
  readonly #rendezvous = new Rendezvous()
  readonly #holding = new Map<string, Holding>()
  #wakeAtMs: number | null = null
  #rests: readonly Rest[] = []

  /**
   * @param apps for each app its releases, the newest first: where that one is held, the one before it stays
   * @param nowMs monotonic
   */
  decide<Release extends PlacedRelease>(
    apps: readonly (readonly Release[])[],
    view: PlacementView,
    nowMs: number,
  ): Placed<Release>[] {
    this.#wakeAtMs = null
    this.#absences.look(view, nowMs)
    const placed = apps.flatMap((releases) => this.#decideApp(releases, view, nowMs) ?? [])
    const names = new Set(placed.map(({ app }) => app))
    for (const app of this.#holding.keys()) if (!names.has(app)) this.#holding.delete(app)
    this.#handOvers.keep(names, nowMs)
    const { from, endsMs } = this.#absences.rests(nowMs)
    this.#rests = [
      ...from,
      ...restsOfMisfit(
        placed.map(({ release }) => release.record),
        view,
      ),
    ]
    if (endsMs !== Infinity) this.#wake(endsMs)
    return placed
  }

  /** What this node has given up for a while, or cannot run, as of the last decision; the others must hear it. */
  get rests(): readonly Rest[] {
    return this.#rests
  }

  /** When it must be asked again though nothing was heard; null where time alone changes nothing. */
  get wakeAtMs(): number | null {
    return this.#wakeAtMs
  }

  #decideApp<Release extends PlacedRelease>(
    releases: readonly Release[],
    view: PlacementView,
    nowMs: number,
  ): Placed<Release> | null {
    const [newest] = releases
    if (newest === undefined) return null
    const rejection = (record: ReleaseRecord): string | null =>
      tookUp(record, view) ? null : unmet(record, view)
    const heldBy = rejection(newest.record)
    const error =
      heldBy === null
        ? null
        : placementProblems.error(
            'ERR_PLACEMENT_HELD',
            `${newest.record.app} ${newest.record.version}: ${heldBy}`,
          )
    const held = error === null ? null : { version: newest.record.version, seq: newest.record.seq, error }
    const release = releases.find(({ record }) => rejection(record) === null)
    if (release === undefined) {
      const nothing = {
        app: newest.record.app,
        release: newest,
        runsHere: false,
        standsBy: false,
        instance: null,
        nodes: [],
        unfit: [],
        stays: null,
      }
      return { ...nothing, why: `held: ${heldBy ?? ''}`, held }
    }
    const misfits = misfitsIn(release.record, view)
    const place = this.#place(release, view, nowMs)
    const stays = place.runsHere ? null : staying(release, releases, view)
    const why = stays === null ? place.why : `${stays.record.version} goes on: ${place.why}`
    return { ...place, unfit: misfits, stays, why, held }
  }

  #place<Release extends PlacedRelease>(
    release: Release,
    view: PlacementView,
    nowMs: number,
  ): Omit<Placed<Release>, 'held' | 'unfit' | 'stays'> {
    const { record } = release
    const rule = ruleOf(record)
    const { app } = rule
    const stopped = rule.minority === 'stop' && view.isIsolated
    const places = this.#placesOf(record, rule, view, nowMs)
    const nodes = [...new Set(places.flatMap(({ slot }) => slot.holder ?? []))].sort()
    if (stopped) {
      this.#holding.delete(app)
      const why = 'this part of the mesh is isolated, and the release says minority = "stop"'
      return {
        app,
        release,
        runsHere: false,
        standsBy: false,
        instance: null,
        nodes: nodes.filter((node) => node !== view.self),
        why,
      }
    }
    const own = this.#ownPlace(release, rule, places, view, nowMs)
    if (own === null) this.#holding.delete(app)
    else this.#holding.set(app, { scope: own.place.scope, index: own.place.slot.index })
    const instance =
      own === null || !rule.stableNames
        ? null
        : instanceName(rule, own.place.scope, own.place.slot.index, nameOf(view.self, view))
    const why = own?.why ?? elsewhere(nodes, view, record)
    const standsBy = own === null && places.some(({ slot }) => slot.standby === view.self)
    return { app, release, runsHere: own !== null, standsBy, instance, nodes, why }
  }

  #placesOf(record: ReleaseRecord, rule: Rule, view: PlacementView, nowMs: number): Place[] {
    const able = view.members.filter((member) => isAble(record, rule, member))
    const available = (node: string): boolean => {
      const { isThere, dueMs } = this.#absences.availability(node, record, rule, nowMs)
      if (dueMs !== null) this.#wake(dueMs)
      return isThere
    }
    return scopesOf(
      rule,
      view.members.map(({ groups }) => groups),
    ).flatMap((scope) => {
      const eligible = able.filter(({ groups }) => isInScope(rule, scope, groups)).map(({ id }) => id)
      const slots = this.#rendezvous.slots({
        key: `${rule.app}\n${scope}`,
        replicas: rule.replicas,
        eligible,
        isAvailable: rule.replicas === null ? () => true : available,
      })
      return slots.map((slot) => ({ scope, slot }))
    })
  }

  /** The place that this node runs, or goes on to run until its holder does. */
  #ownPlace(
    { record }: PlacedRelease,
    rule: Rule,
    places: readonly Place[],
    view: PlacementView,
    nowMs: number,
  ): { readonly place: Place; readonly why: string } | null {
    const held = this.#holding.get(rule.app)
    const isHeld = ({ scope, slot }: Place): boolean => scope === held?.scope && slot.index === held.index
    // Where everybody has a place, a newcomer's moves the numbers of the others, and takes nobody's.
    const surplus =
      rule.replicas === null
        ? undefined
        : places.find((place) => isHeld(place) && place.slot.holder !== view.self)
    if (surplus !== undefined && !this.#mayLetGo(record, rule, surplus, places, view, nowMs)) {
      return {
        place: surplus,
        why:
          surplus.slot.holder === null
            ? 'this node has a place, and cannot run it; nobody else can either'
            : `${nameOf(surplus.slot.holder, view)} has this place, and does not run it yet`,
      }
    }
    const mine = places.filter(({ slot }) => slot.holder === view.self)
    const place = mine.find(isHeld) ?? mine.find(({ slot }) => slot.owner === view.self) ?? mine[0]
    if (place === undefined) {
      return places.some(isHeld) ? null : this.#abolished(record, rule, held, places, view, nowMs)
    }
    const { scope, slot } = place
    if (held === undefined && this.#mustWait(record, rule, scope, view, nowMs)) return null
    if (slot.owner === view.self)
      return { place, why: rule.replicas === null ? 'every node that can runs it' : 'this node has a place' }
    const key = `${scope}\n${slot.index}`
    const dueMs = this.#handOvers.due(rule.app, key, rule.replaceAfterMs, nowMs)
    if (!isHeld(place) && nowMs < dueMs) {
      this.#wake(dueMs)
      return null
    }
    if (!isHeld(place)) this.#handOvers.took(rule.app, key, nowMs)
    return { place, why: `stands in for ${nameOf(slot.owner, view)}` }
  }

  /**
   * Whoever must not run it twice stops before the holder starts; all others go on until it runs, and all who have a place
   * beside it: where places move on, a holder that runs may still do so in the place of one that does not.
   */
  #mayLetGo(
    record: ReleaseRecord,
    rule: Rule,
    { scope, slot: { holder } }: Place,
    places: readonly Place[],
    view: PlacementView,
    nowMs: number,
  ): boolean {
    if (rule.minority === 'run' || holder === null) {
      const holders = places.filter((place) => place.scope === scope).map(({ slot }) => slot.holder)
      return holders.every((node) => node === view.self || this.#runs(record, node, view, nowMs))
    }
    const fromMs = this.#absences.handBackMs(holder)
    if (nowMs < fromMs) this.#wake(fromMs)
    return nowMs >= fromMs && view.members.some(({ id, verdict }) => id === holder && verdict === 'alive')
  }

  /** It is not known yet who runs it, or as many of those that are reached do as there are to be: one of them is about to stop. */
  #mustWait(record: ReleaseRecord, rule: Rule, scope: string, view: PlacementView, nowMs: number): boolean {
    if (rule.minority === 'run' || rule.replicas === null) return false
    if (nowMs < this.#absences.knowsFromMs) {
      this.#wake(this.#absences.knowsFromMs)
      return true
    }
    const running = view.members.filter(
      (member) =>
        member.id !== view.self &&
        isInScope(rule, scope, member.groups) &&
        (member.verdict === 'alive' || member.verdict === 'cut-off') &&
        member.report?.apps.some(({ app, state }) => app === record.app && state === 'running') === true,
    )
    return running.length >= rule.replicas
  }

  /** Its place is none any more, as the release counts them otherwise now: it goes on until the new ones are run. */
  #abolished(
    record: ReleaseRecord,
    rule: Rule,
    held: Holding | undefined,
    places: readonly Place[],
    view: PlacementView,
    nowMs: number,
  ): { readonly place: Place; readonly why: string } | null {
    if (held === undefined || rule.replicas === null || rule.minority === 'stop') return null
    const self = view.members.find(({ id }) => id === view.self)
    if (self === undefined || !isMeantFor(record, self.groups) || lacks(record, self).length > 0) return null
    const waiting = places.find(({ slot: { holder } }) => !this.#runs(record, holder, view, nowMs))
    if (waiting === undefined) return null
    const slot = { index: held.index, owner: view.self, holder: view.self, standby: null }
    const whom = waiting.slot.holder === null ? 'a node' : nameOf(waiting.slot.holder, view)
    return { place: { scope: held.scope, slot }, why: `${whom} is to run it instead, and does not yet` }
  }

  #runs(record: ReleaseRecord, node: string | null, view: PlacementView, nowMs: number): boolean {
    if (node === null || !reportsRunning(record, node, view)) return false
    const fromMs = this.#absences.believedFromMs(node)
    if (nowMs < fromMs) this.#wake(fromMs)
    return nowMs >= fromMs
  }

  #wake(atMs: number): void {
    this.#wakeAtMs = Math.min(this.#wakeAtMs ?? Infinity, atMs)
  }
}

/**
 * Where everybody in the groups runs it, a node without a device says so itself, where its owner can read it and add one.
 * What a machine cannot run is never given to it.
 */
function isAble(record: ReleaseRecord, rule: Rule, member: PlacedMember): boolean {
  if (rule.replicas === null && record.placement?.needs === undefined)
    return unfit(record, member).length === 0
  return lacks(record, member).length === 0
}

function reportsRunning(record: ReleaseRecord, node: string, view: PlacementView): boolean {
  const member = view.members.find(({ id }) => id === node)
  const app = member?.report?.apps.find((report) => report.app === record.app)
  return member?.verdict === 'alive' && app !== undefined && app.state === 'running' && app.seq >= record.seq
}

/**
 * Its rule was met when this node began to run it, in this life of the node or the one before: a newcomer of a new group
 * must not end what runs elsewhere.
 */
function tookUp({ app, seq }: ReleaseRecord, { self, members, ranBefore }: PlacementView): boolean {
  if (ranBefore?.get(app) === seq) return true
  const own = members.find(({ id }) => id === self)?.report?.apps
  return own?.some((report) => report.app === app && report.seq === seq) ?? false
}
