/**
 * What this node votes about a neighbour that it doubts, and when; and what the votes of all watchers come to.
 *
 * A vote for death needs this node's own silence, a suspicion that is old enough, and a part of the mesh that is not
 * itself cut off; or the proof of two refused dials. A verdict of death needs more than half of the watchers.
 */
import type { NodeId } from '../identity/index.ts'
import type { Context } from './context.ts'
import { compareIncarnations, type Incarnation } from './incarnation.ts'
import type { Link } from './link.ts'
import type { HeldVote } from './case-file.ts'
import { membershipLimits } from './options.ts'
import type { Evidence, VoteVerdict } from './statement.ts'
import { suspicionMs } from './suspicion.ts'

/** After a refutation, before this node suspects again of its own accord: doubled each time, to a minute. */
const quietMs = 2_000
const quietCapMs = 60_000
/** This node's bad health stretches its patience, but not for ever: others die too while it is slow. */
const maxStretch = 4
/** Neighbours that are silent at once where it is not only a neighbour that died, and another by chance. */
const manyMissed = 3

export class Ballot {
  readonly #context: Context
  /** Whom this node accused and has not acquitted yet: about which incarnation, and whether before the whole mesh. */
  readonly #accused = new Map<NodeId, { readonly incarnation: Incarnation; readonly isWide: boolean }>()

  constructor(context: Context) {
    this.#context = context
  }

  /** Votes about a doubted neighbour as far as the time has come. */
  weigh(link: Link, nowMs: number): void {
    const { view, options } = this.#context
    const { doubt, node } = link
    if (doubt === null || view.cases.get(node)?.settled) return
    const watchers = view.reachableWatchers(node, nowMs)
    const others = [...view.doubters(node, watchers)].filter(
      ({ sealed }) => sealed.statement.by !== view.self,
    )
    if (link.isRefused) return this.#vote(link, 'dead', 'refused', true, nowMs)
    if (nowMs < doubt.quietUntilMs && others.length === 0) return
    const silentMs = nowMs - (doubt.vouchedMs ?? doubt.sinceMs)
    const isShared = (others.length + 1) * 2 >= watchers.length && silentMs >= options.shareMs
    const isWide = view.isWhole || isShared || silentMs >= options.shareAloneMs || this.#missesMany(nowMs)
    const isDue = this.#isDeathDue(link, watchers, others, silentMs, nowMs)
    this.#vote(link, isDue ? 'dead' : 'suspect', doubt.evidence, isDue || isWide, nowMs)
  }

  /** Says, once for each time, that a node is heard that others, or this one, have doubted. */
  speakFor(link: Link, nowMs: number): void {
    const { view } = this.#context
    const file = view.cases.get(link.node)
    const accused = this.#accused.get(link.node)
    if (file === undefined || (file.doubtedMs === null && accused === undefined)) return
    if (!view.isWatcher(view.self, link.node)) return
    const isOwed = accused !== undefined && compareIncarnations(accused.incarnation, file.incarnation) === 0
    if (file.doubtedMs === null && !isOwed) {
      this.#accused.delete(link.node)
      return
    }
    const held = file.standing(view.self)
    const isSaid = held?.sealed.statement.verdict === 'alive' && held.receivedMs >= (file.doubtedMs ?? nowMs)
    if (!isOwed && isSaid) return
    this.#cast(link, 'alive', 'heard', file.isWide || accused?.isWide === true, nowMs)
  }

  /** As one who watches a node that was settled before it did, for those who come later. */
  endorse(node: NodeId, nowMs: number): void {
    const { view } = this.#context
    const file = view.caseOf(node)
    if (file.settled !== 'dead' || file.standing(view.self) !== undefined) return
    const link = view.links.get(node)
    if (link?.isUp) return
    file.take(this.#seal(node, 'dead', 'unreachable', 0, nowMs, true, false), nowMs)
  }

  /** The node said that it lives. Doubt stays, but this node does not go on accusing it alone. */
  vouched(link: Link, nowMs: number): void {
    const { doubt } = link
    if (doubt === null) return
    doubt.vouchedMs = nowMs
    doubt.accusedMs = null
    doubt.vote = null
    doubt.quietUntilMs = nowMs + Math.min(quietCapMs, quietMs * 2 ** Math.min(doubt.refutations, 10))
    doubt.refutations++
  }

  /** @returns why this node holds another for dead; null where the votes do not come to that */
  verdict(node: NodeId, nowMs: number): string | null {
    const { view, isIsolated } = this.#context
    if (view.cases.get(node)?.isCalledDead !== true) return null
    const watchers = view.reachableWatchers(node, nowMs)
    const dead = [...view.doubters(node, watchers, true)]
    if (dead.length === 0) return null
    const refused = dead.filter(({ sealed }) => sealed.statement.evidence === 'refused').length
    // Whoever is alone with it needs proof, and so does a part that may itself be cut off.
    const proofNeeded = watchers.length === 1 || isIsolated
    const needed = Math.floor(watchers.length / 2) + 1
    if ((proofNeeded ? refused : dead.length) < needed) return null
    if (refused < needed && !view.isClear(node, nowMs)) return null
    if (refused > 0) return 'its host refuses the connection: the process is gone'
    const noAnswer = `${dead.length} of the ${watchers.length} nodes that watch it get no answer`
    const frozen = dead.filter(({ sealed }) => sealed.statement.evidence === 'frozen').length
    if (frozen * 2 < dead.length) return noAnswer
    return `its host takes connections, but the node does not speak: ${noAnswer}`
  }

  #isDeathDue(
    link: Link,
    watchers: readonly NodeId[],
    others: readonly HeldVote[],
    silentMs: number,
    nowMs: number,
  ): boolean {
    const { view, options, health, isIsolated } = this.#context
    // With two members nobody can tell a dead host from a cut line.
    if (isIsolated || watchers.length < 2) return false
    const stretch = Math.min(maxStretch, health.factor)
    if (silentMs < options.silenceMs * stretch) return false
    const expected = Math.ceil((watchers.length - 1) / 2)
    const { probeFloorMs, probeCapMs, suspicionMinMs, suspicionMaxMs } = options
    // A far or slow node is given what its answers took beyond the ordinary.
    const farMs = link.roundTrip.timeoutMs(probeFloorMs, probeCapMs) - probeFloorMs
    const neededMs =
      suspicionMs(others.length, expected, suspicionMinMs, suspicionMaxMs) * (1 + link.slow / 4)
    if (this.#ageMs(link, others, nowMs) < neededMs * stretch + (link.roundTrip.ms === null ? 0 : farMs)) {
      return false
    }
    if (view.othersHear(link.node, watchers, link.doubt?.sinceMs ?? nowMs) * 2 >= watchers.length)
      return false
    return view.isClear(link.node, nowMs)
  }

  /** Several of this node's neighbours at once: rather a cut than deaths, which all have to hear of before they judge. */
  #missesMany(nowMs: number): boolean {
    const { view, options } = this.#context
    let missed = 0
    for (const node of view.neighbours) {
      if ((view.links.get(node)?.silentMs(nowMs) ?? 0) >= options.shareMs) missed++
    }
    return missed >= manyMissed
  }

  /** How long ago anybody's suspicion began; after a refutation, how long ago the first one since. */
  #ageMs(link: Link, others: readonly HeldVote[], nowMs: number): number {
    const doubt = link.doubt ?? null
    if (doubt === null) return 0
    const sinceMs = doubt.vouchedMs === null ? doubt.sinceMs : (doubt.accusedMs ?? nowMs)
    let oldestMs = sinceMs
    for (const { sealed, receivedMs } of others) {
      const told = Math.min(sealed.statement.ageMs, membershipLimits.toldAgeMs)
      oldestMs = Math.min(oldestMs, receivedMs - told)
    }
    return nowMs - oldestMs
  }

  #vote(link: Link, verdict: VoteVerdict, evidence: Evidence, isWide: boolean, nowMs: number): void {
    const { doubt } = link
    if (doubt === null) return
    const { view, isIsolated, options } = this.#context
    const { incarnation } = view.caseOf(link.node)
    const last = doubt.vote
    // Where nobody is cut off, what is not said again is not meant any more.
    const isFresh = last !== null && (isIsolated || nowMs - last.castMs < options.renewMs)
    const isSame = isFresh && compareIncarnations(last.incarnation, incarnation) === 0
    // A vote for death is not taken back by growing patience, and nothing is said twice.
    if (isSame && (last.verdict === 'dead' || (last.verdict === verdict && (last.isWide || !isWide)))) return
    doubt.vote = { verdict, incarnation, isWide, castMs: nowMs }
    doubt.accusedMs ??= nowMs
    this.#cast(link, verdict, evidence, isWide, nowMs)
  }

  #cast(link: Link, verdict: VoteVerdict, evidence: Evidence, isWide: boolean, nowMs: number): void {
    const { view, touched } = this.#context
    const { node } = link
    const file = view.caseOf(node)
    const others = [...view.doubters(node, view.watchers(node))]
    const sealed = this.#seal(
      node,
      verdict,
      evidence,
      link.silentMs(nowMs),
      nowMs - this.#ageMs(link, others, nowMs),
      isWide,
      link.isOneWay,
      nowMs,
    )
    file.take(sealed, nowMs)
    if (verdict === 'alive') this.#accused.delete(node)
    else this.#accused.set(node, { incarnation: file.incarnation, isWide })
    touched.add(node)
    this.#context.spread(sealed, isWide, nowMs)
  }

  #seal(
    node: NodeId,
    verdict: VoteVerdict,
    evidence: Evidence,
    silentMs: number,
    beganMs: number,
    isWide: boolean,
    isOneWay: boolean,
    nowMs = beganMs,
  ) {
    const { view } = this.#context
    return this.#context.seal({
      kind: 'vote',
      by: view.self,
      about: node,
      incarnation: view.caseOf(node).incarnation,
      verdict,
      evidence,
      order: this.#context.nextOrder(),
      silentMs: whole(silentMs),
      ageMs: whole(nowMs - beganMs),
      isWide,
      isOneWay,
    })
  }
}

function whole(ms: number): number {
  return Math.max(0, Math.min(Math.round(ms), 86_400_000))
}
