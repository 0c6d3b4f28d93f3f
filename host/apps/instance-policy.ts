/** How a release's instances are run: what it says, within what the node allows, and what it leaves open. */
import { availableParallelism, cpus } from 'node:os'
import type { ReleaseRecord } from '../../mesh/index.ts'
import type { Isolation, PoolShape } from '../engine/index.ts'

export interface InstanceRules {
  /** Undefined leaves it to the engine. */
  readonly isolation: Isolation | undefined
  readonly fresh: boolean
  readonly shape: Partial<PoolShape>
}

const isolations: readonly string[] = ['worker', 'process', 'shared'] satisfies Isolation[]

/** Its last lines are out by then, ms. */
const finishedMs = 1_000

/** A machine's cores; more instances than that help only apps that wait for something. */
const cores = typeof availableParallelism === 'function' ? availableParallelism() : cpus().length

/** Grants through which an app may come to wait for a call of itself: what it asks may ask it. */
const leadsOn = /^(call|http|network):/
/** As `leadsOn`, where it also imports this. */
const asksTopics = 'wasi:messaging/request-reply@'

/**
 * Whether a call of the app may be part of another one that it has not answered. Such a one must have an instance of its own:
 * sent ahead to the instance that waits for it, it would never begin.
 */
export function mayBeAskedBack(
  { grants = [] }: Pick<ReleaseRecord, 'grants'>,
  imports: readonly string[],
): boolean {
  const asks = imports.some((id) => id.startsWith(asksTopics))
  return grants.some((grant) => leadsOn.test(grant) || (asks && grant.startsWith('publish:')))
}

/**
 * An app that only reacts to events has one instance, and its first death is the app's: the node backs off. One that
 * answers requests gets more when they wait, and a request that kills its instance is not the end of the others.
 */
export function instanceRules(
  { instances = {}, triggers }: ReleaseRecord,
  answersRequests: boolean,
  isAskedBack = false,
): InstanceRules {
  const { isolation, fresh = false, min, max, queue, idleMs, cpuPercent } = instances
  const most = max ?? Math.max(min ?? 1, answersRequests ? Math.max(2, cores) : 1)
  const runsOnce = triggers.length > 0 && triggers.every(({ kind }) => kind === 'start')
  const isSingle = !answersRequests && most === 1
  return {
    isolation:
      isolation !== undefined && isolations.includes(isolation) ? (isolation as Isolation) : undefined,
    fresh,
    shape: {
      // A program that only runs once leaves nothing behind when it is done.
      min: Math.min(min ?? (runsOnce ? 0 : 1), most),
      max: most,
      ...(isAskedBack && { ahead: 1 }),
      ...(queue !== undefined && { queue }),
      ...(runsOnce && { idleMs: finishedMs }),
      ...(idleMs !== undefined && { idleMs }),
      ...(isSingle && { maxDeaths: 1 }),
      ...(cpuPercent !== undefined && { cpuShare: cpuPercent / 100 }),
    },
  }
}
