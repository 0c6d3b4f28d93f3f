/** The mixed mesh as its steps see it, and the two ways in which they ask something of its nodes. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Stage } from '../../../demo/stage.ts'
import type { Seat } from './seat.ts'

export interface Mesh {
  readonly stage: Stage
  readonly root: string
  readonly founder: Seat
  /** Without those that failed; the founder is the first. */
  readonly seats: readonly Seat[]
  readonly signal: AbortSignal
  say(text: string): void
}

/** As many as there are cores, as starting is all work. */
const atOnce = 2
/** For one thing that must become true. */
const patienceMs = 240_000
const pollMs = 400
export const group = 'yard'

/** Runs `act` for each seat, a few at a time; one whose act throws has failed in `title`. */
export async function forEach(
  { say, signal }: Pick<Mesh, 'say' | 'signal'>,
  seats: readonly Seat[],
  title: string,
  act: (seat: Seat) => Promise<void>,
): Promise<void> {
  const waiting = [...seats]
  const work = async (): Promise<void> => {
    for (let seat = waiting.shift(); seat !== undefined; seat = waiting.shift()) {
      signal.throwIfAborted()
      try {
        await act(seat)
      } catch (error) {
        seat.failure = `${title}: ${(error as Error).message}`
        say(`${seat.name} failed: ${seat.failure}`)
        for (const line of seat.daemon?.output.slice(-8) ?? []) say(`    ${line}`)
      }
    }
  }
  await Promise.all(Array.from({ length: Math.min(atOnce, seats.length) }, work))
}

/** Waits for what must become true. @throws what was waited for */
export async function until(what: string, signal: AbortSignal, holds: () => Promise<boolean>): Promise<void> {
  const deadline = performance.now() + patienceMs
  let problem = ''
  for (;;) {
    signal.throwIfAborted()
    try {
      if (await holds()) return
      problem = ''
    } catch (error) {
      problem = ` (${(error as Error).message})`
    }
    if (performance.now() > deadline)
      throw new Error(`waited ${patienceMs / 1_000} s in vain: ${what}${problem}`)
    await sleep(pollMs)
  }
}
