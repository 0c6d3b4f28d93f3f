/**
 * One app on one node: which release serves it, which one is on its way, and what to do next. Pure.
 *
 * There are two slots. `current` is what serves events (its instance may be down for the moment), `next` is a
 * newer release on its way. A release in `next` goes through fetching, preparing, starting and checking beside the
 * current one, and takes its place only when it has answered; until then nothing it does can touch the current
 * one. After the switch the old instance is kept for {@link keepOldMs}, or until the new one has handled an event.
 * Going back to it by itself is a rollout's decision, not taken here: if the new one dies it is restarted.
 */
import { backoffMs, type Digest, type Random } from '../../core/index.ts'
import type { AppAction, AppEvent, AppMachine, Doubt, Moment, Phase, Retry, Slot, Step } from './app-state.ts'
import type { DesiredRelease, Reason, Verdict } from './release.ts'

/** First restart after 100–200 ms: most faults are over at once, and a sensor loses at most a reading or two. */
const backoffBaseMs = 200
/** A release that cannot start costs one start in 30 s; that is also how late it comes back once the cause is gone. */
export const backoffCapMs = 30_000
/** An instance that lived this long has overcome what ended the one before it: its backoff starts anew. */
export const healthyAfterMs = 60_000
export const keepOldMs = 30_000

export const idleMachine: AppMachine = { current: null, next: null, kept: null, lastInstance: 0 }

/** @returns the machine after the event and what must be done, in order. Events that come too late change nothing. */
export function step(machine: AppMachine, event: AppEvent, now: Moment, random: Random): Step {
  switch (event.type) {
    case 'desired':
      return desire(machine, event.release, event.verdict, event.doubt ?? null, now)
    case 'restored':
      return restore(machine, event.release, event.doubt ?? null, now)
    case 'unwanted':
      return clear(machine)
    case 'fetched':
      return onSlot(machine, 'fetching', event.digest, (slot) => ({
        slot: enter(slot, 'preparing', now),
        actions: [{ type: 'prepare', release: slot.release }],
      }))
    case 'fetch-failed':
      return onSlot(machine, 'fetching', event.digest, (slot) => ({
        slot: backOff(slot, 'fetch', event.reason, now, random),
        actions: [],
      }))
    case 'prepared':
      return onSlot(machine, 'preparing', event.digest, (slot) => startAgain(machine, slot, now))
    case 'prepare-failed':
      return onSlot(machine, 'preparing', event.digest, (slot) => ({
        slot: backOff(slot, 'prepare', event.reason, now, random),
        actions: [],
      }))
    case 'refused':
      return onSlot(machine, 'preparing', event.digest, (slot) => ({
        slot: { ...enter(slot, 'refused', now), reason: event.reason },
        actions: [],
      }))
    case 'started':
      return begin(machine, event.instance, now)
    case 'start-failed':
      return fail(machine, event.instance, event.reason, event.step, now, random)
    case 'checked':
      return promote(machine, event.instance, now)
    case 'ended':
      return fail(machine, event.instance, event.reason, 'start', now, random)
    case 'handled':
      return machine.kept !== null && machine.current?.instance === event.instance
        ? retireKept(machine)
        : { machine, actions: [] }
    case 'tick':
      return tick(machine, now)
  }
}

/** When the machine wants its next `tick`, by the monotonic clock; null where it waits for events only. */
export function wakeAt({ current, next, kept }: AppMachine): number | null {
  const times = [current?.retry?.atMs, next?.retry?.atMs, kept?.untilMs].filter((time) => time !== undefined)
  return times.length === 0 ? null : Math.min(...times)
}

/** When an instance may begin at the earliest, by the monotonic clock: 0 where one is on its way or there, Infinity where none is to come. */
export function beginsAt({ current, next }: AppMachine): number {
  const times = [current, next].map((slot) =>
    slot === null || slot.phase === 'waiting' || slot.phase === 'refused'
      ? Infinity
      : (slot.retry?.atMs ?? 0),
  )
  return Math.min(...times)
}

type SlotName = 'current' | 'next'
interface SlotStep {
  readonly slot: Slot
  readonly actions: readonly AppAction[]
  readonly lastInstance?: number
}

function newSlot(release: DesiredRelease, phase: Phase, now: Moment, reason: Reason | null = null): Slot {
  return {
    release,
    phase,
    since: now.wallMs,
    reason,
    retry: null,
    attempt: 0,
    failures: 0,
    restarts: 0,
    instance: null,
    ranAtMs: null,
  }
}

/** The reason of a failure stays until the slot runs: it says why it is being tried again. */
function enter(slot: Slot, phase: Phase, now: Moment): Slot {
  return { ...slot, phase, since: now.wallMs, retry: null }
}

/** A release that is doubted is fetched and started after the others. */
function bringUp(release: DesiredRelease, doubt: Doubt | null, now: Moment): SlotStep {
  if (doubt === null)
    return { slot: newSlot(release, 'fetching', now), actions: [{ type: 'fetch', release }] }
  const retry = { step: 'prepare' as const, atMs: now.monotonicMs + doubt.waitMs }
  return { slot: { ...newSlot(release, 'backoff', now, doubt.reason), retry, failures: 1 }, actions: [] }
}

function desire(
  machine: AppMachine,
  release: DesiredRelease,
  verdict: Verdict,
  doubt: Doubt | null,
  now: Moment,
): Step {
  if (machine.next?.release.digest === release.digest) return { machine, actions: [] }
  const actions = machine.next === null ? [] : giveUp(machine.next)
  if (machine.current?.release.digest === release.digest)
    return { machine: { ...machine, next: null }, actions }
  if (verdict.may === 'run') {
    const next = bringUp(release, doubt, now)
    return { machine: { ...machine, next: next.slot }, actions: [...actions, ...next.actions] }
  }
  const phase = verdict.may === 'wait' ? 'waiting' : 'refused'
  return { machine: { ...machine, next: newSlot(release, phase, now, verdict.reason) }, actions }
}

function restore(machine: AppMachine, release: DesiredRelease, doubt: Doubt | null, now: Moment): Step {
  const isKnown = machine.current !== null || machine.next?.release.digest === release.digest
  if (isKnown) return { machine, actions: [] }
  const { slot, actions } = bringUp(release, doubt, now)
  return { machine: { ...machine, current: slot }, actions }
}

function clear(machine: AppMachine): Step {
  const actions = [machine.next, machine.current].flatMap((slot) => (slot === null ? [] : giveUp(slot)))
  const kept = retireKept(machine)
  return {
    machine: { ...idleMachine, lastInstance: machine.lastInstance },
    actions: [...actions, ...kept.actions],
  }
}

function giveUp(slot: Slot): AppAction[] {
  const abandon: AppAction = { type: 'abandon', release: slot.release }
  return slot.instance === null ? [abandon] : [abandon, { type: 'retire', instance: slot.instance }]
}

/** Applies `change` to the slot of this release, if it is in this phase. */
function onSlot(machine: AppMachine, phase: Phase, digest: Digest, change: (slot: Slot) => SlotStep): Step {
  const name = (['next', 'current'] as const).find((key) => machine[key]?.release.digest === digest)
  const slot = name === undefined ? null : machine[name]
  if (name === undefined || slot === null || slot.phase !== phase) return { machine, actions: [] }
  return put(machine, name, change(slot))
}

function put(machine: AppMachine, name: SlotName, { slot, actions, lastInstance }: SlotStep): Step {
  return {
    machine: { ...machine, [name]: slot, lastInstance: lastInstance ?? machine.lastInstance },
    actions,
  }
}

function slotOf(machine: AppMachine, instance: number): SlotName | null {
  if (machine.next?.instance === instance) return 'next'
  return machine.current?.instance === instance ? 'current' : null
}

function startAgain(machine: AppMachine, slot: Slot, now: Moment): SlotStep {
  const instance = machine.lastInstance + 1
  return {
    slot: { ...enter(slot, 'starting', now), instance },
    actions: [{ type: 'start', release: slot.release, instance }],
    lastInstance: instance,
  }
}

function begin(machine: AppMachine, instance: number, now: Moment): Step {
  const name = slotOf(machine, instance)
  const slot = name === null ? null : machine[name]
  // Superseded while it was starting: it must not outlive that.
  if (name === null || slot === null) return { machine, actions: [{ type: 'retire', instance }] }
  if (slot.phase !== 'starting') return { machine, actions: [] }
  return put(machine, name, { slot: enter(slot, 'checking', now), actions: [{ type: 'check', instance }] })
}

function promote(machine: AppMachine, instance: number, now: Moment): Step {
  const name = slotOf(machine, instance)
  const slot = name === null ? null : machine[name]
  if (name === null || slot === null || slot.phase !== 'checking') return { machine, actions: [] }
  const { release } = slot
  const running: Slot = {
    ...enter(slot, 'running', now),
    reason: null,
    restarts: slot.ranAtMs === null ? slot.restarts : slot.restarts + 1,
    ranAtMs: now.monotonicMs,
  }
  const switchTo: AppAction = { type: 'switch', release, instance }
  if (name === 'current') return { machine: { ...machine, current: running }, actions: [switchTo] }
  return replace(machine, running, switchTo, now)
}

/** The next release takes the place of the current one, whose instance is kept if it runs. */
function replace(machine: AppMachine, running: Slot, switchTo: AppAction, now: Moment): Step {
  const old = machine.current
  const rest = { ...machine, current: running, next: null }
  if (old?.phase === 'running' && old.instance !== null) {
    const before = retireKept(machine)
    const kept = { instance: old.instance, untilMs: now.monotonicMs + keepOldMs }
    return { machine: { ...rest, kept }, actions: [switchTo, ...before.actions] }
  }
  return { machine: rest, actions: [switchTo, ...(old === null ? [] : giveUp(old))] }
}

function fail(
  machine: AppMachine,
  instance: number,
  reason: Reason,
  retry: Retry,
  now: Moment,
  random: Random,
): Step {
  if (machine.kept?.instance === instance) return { machine: { ...machine, kept: null }, actions: [] }
  const name = slotOf(machine, instance)
  const slot = name === null ? null : machine[name]
  if (name === null || slot === null) return { machine, actions: [] }
  const wasHealthy =
    slot.phase === 'running' && slot.ranAtMs !== null && now.monotonicMs - slot.ranAtMs >= healthyAfterMs
  const failed = { ...slot, attempt: wasHealthy ? 0 : slot.attempt, failures: slot.failures + 1 }
  return put(machine, name, { slot: backOff(failed, retry, reason, now, random), actions: [] })
}

function backOff(slot: Slot, retry: Retry, reason: Reason, now: Moment, random: Random): Slot {
  const waitMs = backoffMs(slot.attempt, backoffBaseMs, backoffCapMs, random)
  return {
    ...enter(slot, 'backoff', now),
    reason,
    retry: { step: retry, atMs: now.monotonicMs + waitMs },
    attempt: slot.attempt + 1,
    instance: null,
  }
}

function retireKept(machine: AppMachine): Step {
  if (machine.kept === null) return { machine, actions: [] }
  const { instance } = machine.kept
  return { machine: { ...machine, kept: null }, actions: [{ type: 'retire', instance }] }
}

function tick(machine: AppMachine, now: Moment): Step {
  let state = machine
  const actions: AppAction[] = []
  const take = (result: Step): void => {
    state = result.machine
    actions.push(...result.actions)
  }
  for (const name of ['current', 'next'] as const) {
    const slot = state[name]
    if (slot?.retry && slot.retry.atMs <= now.monotonicMs) take(put(state, name, tryAgain(state, slot, now)))
  }
  if (state.kept !== null && state.kept.untilMs <= now.monotonicMs) take(retireKept(state))
  return { machine: state, actions }
}

function tryAgain(machine: AppMachine, slot: Slot, now: Moment): SlotStep {
  if (slot.retry?.step === 'start') return startAgain(machine, slot, now)
  return { slot: enter(slot, 'fetching', now), actions: [{ type: 'fetch', release: slot.release }] }
}
