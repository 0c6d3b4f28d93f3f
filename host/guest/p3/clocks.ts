/** wasi:clocks 0.3: what was a pollable in 0.2 is an async function here. */
import type { P3Imports, P3World } from './world.ts'

const nanosecondsPerMs = 1_000_000n
/** Of the monotonic clock, ns: finer than this no reading of it is. */
const resolution = 1_000n

export function createClocks({ clock, waiting, hold }: P3World): P3Imports {
  const now = (): bigint => BigInt(Math.round(clock.monotonicMs() * 1e6))
  const waitUntil = async (mark: bigint): Promise<void> => {
    const dueAtMs = Number(mark) / 1e6
    const release = hold()
    try {
      await waiting.whenReady({ dueAtMs, ready: () => now() >= mark })
    } finally {
      release()
    }
  }
  return {
    'wasi:clocks/monotonic-clock@0.3': {
      now,
      getResolution: () => resolution,
      waitUntil,
      waitFor: (duration: bigint) => waitUntil(now() + duration),
    },
    'wasi:clocks/system-clock@0.3': {
      now() {
        const ms = BigInt(clock.now())
        return { seconds: ms / 1_000n, nanoseconds: Number((ms % 1_000n) * nanosecondsPerMs) }
      },
      getResolution: () => nanosecondsPerMs,
    },
  }
}
