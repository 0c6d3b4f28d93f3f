/**
 * How many instances an app has, and which of them gets the next call. A pure machine: calls that come, instances
 * that start, answer and end, and the time go in; starts, dispatches and retirements come out. The calls themselves
 * stay with the driver; here they are only counted.
 *
 * It grows when a call has waited longer than a start takes, shrinks when an instance had nothing to do for a while,
 * replaces what dies at once, and gives up when that happens too often: whoever holds the pool then backs off.
 */

export interface PoolShape {
  /** Kept although idle; 0 lets an app that nobody calls go away. */
  readonly min: number
  readonly max: number
  /** Calls that may wait here; what comes beyond is refused. */
  readonly queue: number
  /** Ms without work after which an instance above `min` is retired. */
  readonly idleMs: number
  /** Ms a call waits before another instance is worth its start. */
  readonly growAfterMs: number
  /** Processor time that all instances together may use, in seconds a second; Infinity for all there is. */
  readonly cpuShare: number
  /** Most calls one instance may have, the one it does included. */
  readonly ahead: number
  /** This many deaths … */
  readonly maxDeaths: number
  /** … within so long, ms, and the pool gives up. */
  readonly deathWindowMs: number
}

export const defaultShape: PoolShape = {
  min: 1,
  max: 1,
  queue: 256,
  idleMs: 30_000,
  growAfterMs: 20,
  cpuShare: Infinity,
  ahead: 64,
  maxDeaths: 8,
  deathWindowMs: 10_000,
}

export interface PooledInstance {
  readonly id: number
  readonly isReady: boolean
  readonly inFlight: number
  /** Since when it has had nothing to do, or the oldest of its calls has had it. */
  readonly sinceMs: number
}

export interface PoolState {
  readonly instances: readonly PooledInstance[]
  /** When each waiting call came, oldest first. */
  readonly waitingSinceMs: readonly number[]
  /** How long one call has an instance, asleep or awake, by the answers so far; null before the first. */
  readonly serviceMs: number | null
  /** Processor time used and not yet granted, ms, when it was last looked at. */
  readonly owed: { readonly ms: number; readonly atMs: number }
  readonly deathsMs: readonly number[]
  readonly lastId: number
  readonly hasGivenUp: boolean
}

export const emptyPool: PoolState = {
  instances: [],
  waitingSinceMs: [],
  serviceMs: null,
  owed: { ms: 0, atMs: 0 },
  deathsMs: [],
  lastId: 0,
  hasGivenUp: false,
}

export type PoolEvent =
  /** Begin with the least number of instances. */
  | { readonly type: 'opened' }
  | { readonly type: 'called' }
  /** The oldest waiting call, or another one, was taken back. */
  | { readonly type: 'withdrawn'; readonly index: number }
  | { readonly type: 'started'; readonly id: number }
  /** `busyMs`: of the processor's time. */
  | { readonly type: 'answered'; readonly id: number; readonly busyMs: number }
  /** Of itself, or because it could not be started. */
  | {
      readonly type: 'ended'
      readonly id: number
      /** Another app's doing: it is replaced, and is none of the deaths that make the pool give up. */
      readonly isBlameless?: boolean
    }
  | { readonly type: 'tick' }

export type PoolAction =
  | { readonly type: 'start'; readonly id: number }
  /** The oldest waiting call goes to this instance. */
  | { readonly type: 'dispatch'; readonly id: number }
  /** The call that just came is refused. */
  | { readonly type: 'refuse' }
  | { readonly type: 'retire'; readonly id: number }
  | { readonly type: 'give-up' }

export interface PoolStep {
  readonly state: PoolState
  readonly actions: readonly PoolAction[]
}

/** An app may use this many ms of its share at once, and waits when it has: longer bursts are felt by its neighbours. */
const burstMs = 1_000

/**
 * Calls are sent ahead of their turn only as far as this much work, and to nobody who has had one for longer: more would
 * wait behind a slow one, which may sleep until somebody else answers, while others are free.
 */
const aheadMs = 4
const nothing: readonly PoolAction[] = []
/** Weight of the newest answer in the running mean. */
const serviceWeight = 0.2

/**
 * @param mayGrow whether the node has room for one more instance beyond `min`
 */
export function stepPool(
  state: PoolState,
  event: PoolEvent,
  shape: PoolShape,
  nowMs: number,
  mayGrow: boolean,
): PoolStep {
  if (state.hasGivenUp) return { state, actions: event.type === 'called' ? [{ type: 'refuse' }] : [] }
  if (event.type === 'called' && state.waitingSinceMs.length >= shape.queue)
    return { state, actions: [{ type: 'refuse' }] }
  const calm = stepCalm(state, event, shape, nowMs)
  if (calm !== null) return calm
  const told = take(state, event, shape, nowMs)
  if (told.hasGivenUp) return { state: told, actions: [{ type: 'give-up' }] }
  return settle(told, shape, nowMs, mayGrow)
}

/**
 * Nearly every call: nobody waits, there are as many instances as there should be at least and at most, and one is
 * free. The same as the long way around, which looks for more to do. @returns null where that has to be walked
 */
function stepCalm(state: PoolState, event: PoolEvent, shape: PoolShape, nowMs: number): PoolStep | null {
  if (state.waitingSinceMs.length > 0 || state.instances.length !== shape.min) return null
  if (event.type === 'answered') return { state: answered(state, event, shape, nowMs), actions: nothing }
  const free = event.type === 'called' ? freest(state, shape, nowMs) : null
  if (free === null) return null
  const instances = busier(state.instances, free, nowMs)
  return { state: withInstances(state, instances), actions: [{ type: 'dispatch', id: free.id }] }
}

/** When the machine wants a `tick`, or null where only events move it. */
export function wakePoolAt(state: PoolState, shape: PoolShape): number | null {
  if (state.waitingSinceMs.length === 0 && state.instances.length <= shape.min) return null
  const times: number[] = []
  const [oldest] = state.waitingSinceMs
  const excessMs = owedMs(state, shape, state.owed.atMs) - shape.cpuShare * burstMs
  if (oldest !== undefined && excessMs >= 0) return state.owed.atMs + excessMs / shape.cpuShare + 1
  if (oldest !== undefined && state.instances.length < shape.max) times.push(oldest + shape.growAfterMs)
  if (state.instances.length > shape.min) {
    for (const { isReady, inFlight, sinceMs } of state.instances) {
      if (isReady && inFlight === 0) times.push(sinceMs + shape.idleMs)
    }
  }
  return times.length === 0 ? null : Math.min(...times)
}

function take(state: PoolState, event: PoolEvent, shape: PoolShape, nowMs: number): PoolState {
  switch (event.type) {
    case 'opened':
    case 'tick':
      return state
    case 'called':
      return { ...state, waitingSinceMs: [...state.waitingSinceMs, nowMs] }
    case 'withdrawn':
      return { ...state, waitingSinceMs: state.waitingSinceMs.filter((_, index) => index !== event.index) }
    case 'started':
      return withInstances(state, readier(state.instances, event.id, nowMs))
    case 'answered':
      return answered(state, event, shape, nowMs)
    case 'ended':
      return died(state, event, shape, nowMs)
  }
}

function answered(
  state: PoolState,
  { id, busyMs }: Extract<PoolEvent, { type: 'answered' }>,
  shape: PoolShape,
  nowMs: number,
): PoolState {
  const { serviceMs } = state
  const sinceMs = state.instances.find((instance) => instance.id === id)?.sinceMs ?? nowMs
  const tookMs = Math.max(busyMs, nowMs - sinceMs)
  const mean = serviceMs === null ? tookMs : serviceMs + (tookMs - serviceMs) * serviceWeight
  const owed = { ms: owedMs(state, shape, nowMs) + busyMs, atMs: nowMs }
  return withInstances(state, calmer(state.instances, id, nowMs), mean, owed)
}

/** Written out, as copying by a spread takes several times as long and it runs twice with every call. */
function withInstances(
  state: PoolState,
  instances: Instances,
  serviceMs = state.serviceMs,
  owed = state.owed,
): PoolState {
  const { waitingSinceMs, deathsMs, lastId, hasGivenUp } = state
  return { instances, waitingSinceMs, serviceMs, owed, deathsMs, lastId, hasGivenUp }
}

function died(
  state: PoolState,
  { id, isBlameless }: Extract<PoolEvent, { type: 'ended' }>,
  shape: PoolShape,
  nowMs: number,
): PoolState {
  if (!state.instances.some((instance) => instance.id === id)) return state
  const instances = state.instances.filter((one) => one.id !== id)
  if (isBlameless === true) return withInstances(state, instances)
  const deathsMs = [...state.deathsMs.filter((at) => nowMs - at < shape.deathWindowMs), nowMs]
  return { ...state, instances, deathsMs, hasGivenUp: deathsMs.length >= shape.maxDeaths }
}

type Instances = PoolState['instances']

/** With one call more for this one. Written out, as is the next: they run with every call. */
function busier(instances: Instances, busy: PooledInstance, nowMs: number): Instances {
  const { id, isReady, inFlight, sinceMs } = busy
  const one: PooledInstance = {
    id,
    isReady,
    inFlight: inFlight + 1,
    sinceMs: inFlight === 0 ? nowMs : sinceMs,
  }
  return instances.length === 1 ? [one] : instances.map((instance) => (instance === busy ? one : instance))
}

function readier(instances: Instances, id: number, nowMs: number): Instances {
  return instances.map((one) => (one.id === id ? { ...one, isReady: true, sinceMs: nowMs } : one))
}

/** With one call less for the instance of this number, if there is one. */
function calmer(instances: Instances, number: number, nowMs: number): Instances {
  const after = (instance: PooledInstance): PooledInstance => {
    const { id, isReady, inFlight } = instance
    return id === number ? { id, isReady, inFlight: Math.max(0, inFlight - 1), sinceMs: nowMs } : instance
  }
  return instances.length === 1 ? [after(instances[0]!)] : instances.map(after)
}

/** Hands out what waits, then sees whether there are too few instances, or too many. */
function settle(told: PoolState, shape: PoolShape, nowMs: number, mayGrow: boolean): PoolStep {
  const actions: PoolAction[] = []
  let state = told
  for (let free = freest(state, shape, nowMs); free !== null; free = freest(state, shape, nowMs)) {
    if (state.waitingSinceMs.length === 0) break
    const { id } = free
    actions.push({ type: 'dispatch', id })
    const waitingSinceMs = state.waitingSinceMs.slice(1)
    state = { ...state, waitingSinceMs, instances: busier(state.instances, free, nowMs) }
  }
  for (let wanted = shortage(state, shape, nowMs, mayGrow); wanted > 0; wanted--) {
    const id = state.lastId + 1
    actions.push({ type: 'start', id })
    const instance: PooledInstance = { id, isReady: false, inFlight: 0, sinceMs: nowMs }
    state = { ...state, lastId: id, instances: [...state.instances, instance] }
  }
  for (const { id, isReady, inFlight, sinceMs } of state.instances) {
    if (state.instances.length <= shape.min) break
    if (!isReady || inFlight > 0 || nowMs - sinceMs < shape.idleMs) continue
    actions.push({ type: 'retire', id })
    state = { ...state, instances: state.instances.filter((instance) => instance.id !== id) }
  }
  return { state, actions }
}

/** What is left of the processor time used, after what the app's share has paid for since. */
function owedMs({ owed }: PoolState, shape: PoolShape, nowMs: number): number {
  if (shape.cpuShare === Infinity) return 0
  return Math.max(0, owed.ms - (nowMs - owed.atMs) * shape.cpuShare)
}

function isSpent(state: PoolState, shape: PoolShape, nowMs: number): boolean {
  return owedMs(state, shape, nowMs) >= shape.cpuShare * burstMs
}

/** The ready instance with the fewest calls that may have one more. */
function freest(state: PoolState, shape: PoolShape, nowMs: number): PooledInstance | null {
  if (isSpent(state, shape, nowMs)) return null
  const depth =
    state.serviceMs === null
      ? 1
      : Math.max(1, Math.min(shape.ahead, Math.round(aheadMs / Math.max(state.serviceMs, 0.001))))
  let best: PooledInstance | null = null
  for (const instance of state.instances) {
    const { isReady, inFlight, sinceMs } = instance
    if (!isReady || inFlight >= depth || (inFlight > 0 && nowMs - sinceMs > aheadMs)) continue
    if (best === null || inFlight < best.inFlight) best = instance
  }
  return best
}

function shortage(state: PoolState, shape: PoolShape, nowMs: number, mayGrow: boolean): number {
  const { instances, waitingSinceMs } = state
  // The first one is not growth: without it nobody is served at all.
  const least = Math.max(shape.min, waitingSinceMs.length > 0 ? 1 : 0)
  if (instances.length < least) return least - instances.length
  const [oldest] = waitingSinceMs
  if (oldest === undefined || instances.length >= shape.max || !mayGrow) return 0
  if (isSpent(state, shape, nowMs)) return 0
  const isStarting = instances.some(({ isReady }) => !isReady)
  return !isStarting && nowMs - oldest >= shape.growAfterMs ? 1 : 0
}
