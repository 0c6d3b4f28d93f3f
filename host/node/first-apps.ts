/**
 * Apps before the network: what is on the disk runs before libp2p, a quarter of the program, is even evaluated, which keeps
 * the main thread from everything else meanwhile. A node whose power came back works before anybody can reach it.
 */
import { delay, type Clock } from '../../core/index.ts'
import type { AppSupervisor } from '../apps/index.ts'

/** A network that comes later than this costs more than apps that come sooner are worth, ms. */
const mostMs = 10_000
/** After an app runs its first event is let through, where one comes at once: half as long as it took to run, ms. */
const mostFirstEventMs = 2_000
const lookMs = 10

type Beginning = Pick<AppSupervisor, 'isBeginning' | 'local'>

/**
 * Resolves when no app is on its way from the disk to its first instance any more, and those that run have had a moment for
 * their first event. @param signal ends the wait
 */
export async function letAppsBegin(apps: Beginning, clock: Clock, signal?: AbortSignal): Promise<void> {
  const startedMs = clock.monotonicMs()
  const elapsedMs = (): number => clock.monotonicMs() - startedMs
  const isOver = (): boolean => signal?.aborted === true
  const waitWhile = async (holds: () => boolean, untilMs: number): Promise<void> => {
    while (holds() && elapsedMs() < untilMs && !isOver()) await delay(clock, lookMs)
  }
  await waitWhile(() => apps.isBeginning, mostMs)
  const begunMs = elapsedMs()
  const isUntouched = (): boolean =>
    apps.local().some(({ state, events }) => state === 'running' && events.handled === 0)
  await waitWhile(isUntouched, begunMs + Math.min(mostFirstEventMs, begunMs / 2))
}
