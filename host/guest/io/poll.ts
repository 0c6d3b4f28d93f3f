/** wasi:io/poll 0.2: what a guest can wait for. */
import type { Waitable } from '../bytes.ts'
import type { HostLine } from '../line.ts'
import type { InterfaceImports } from '../part.ts'
import { dispose } from './dispose.ts'

const secrets = new WeakMap<Pollable, PollableState>()

interface PollableState {
  readonly waitable: Waitable
  readonly line: HostLine
  readonly release: () => void
}

export class Pollable {
  /** Only the host makes them, with `createPollable`. */
  static create(waitable: Waitable, line: HostLine, release: () => void): Pollable {
    const pollable = new Pollable()
    secrets.set(pollable, { waitable, line, release })
    return pollable
  }

  ready(): boolean {
    const { waitable, line } = stateOf(this)
    if (waitable.ready()) return true
    // A guest may ask again and again instead of waiting: what has arrived must be seen.
    if (waitable.dueAtMs === undefined) line.poll()
    return waitable.ready()
  }

  block(): void {
    const { waitable, line } = stateOf(this)
    line.wait([waitable])
  }

  [dispose](): void {
    const state = secrets.get(this)
    secrets.delete(this)
    state?.release()
    state?.waitable.dropped?.()
  }
}

function stateOf(pollable: Pollable): PollableState {
  const state = secrets.get(pollable)
  if (state === undefined) throw new Error('a pollable was used after it was dropped')
  return state
}

export function createPollInterface(line: HostLine): InterfaceImports {
  return {
    Pollable,
    poll(list: readonly Pollable[]): Uint32Array {
      if (list.length === 0) throw new Error('a guest polled an empty list')
      const waitables = list.map((pollable) => stateOf(pollable).waitable)
      // Also beside a timer that is due: a guest that polls with it again and again must see what has arrived.
      if (waitables.some((waitable) => waitable.dueAtMs === undefined && !waitable.ready())) line.poll()
      line.wait(waitables)
      return Uint32Array.from(waitables.flatMap((waitable, index) => (waitable.ready() ? index : [])))
    },
  }
}
