/** wasi:clocks 0.2: elapsed time with timers, and the date as the node believes it to be. */
import type { PartKind } from './part.ts'

const nanosecondsPerMs = 1_000_000n

export const clocksPart: PartKind = {
  name: 'wasi:clocks',
  create({ io }) {
    const timer = (dueAtMs: number): object =>
      io.pollable({ dueAtMs, ready: () => performance.now() >= dueAtMs })
    return {
      imports: {
        'wasi:clocks/monotonic-clock': {
          resolution: () => 1_000n,
          now: monotonicNow,
          subscribeInstant: (instant: bigint) => timer(Number(instant) / 1e6),
          subscribeDuration: (duration: bigint) => timer(performance.now() + Number(duration) / 1e6),
        },
        'wasi:clocks/wall-clock': {
          now: wallNow,
          resolution: () => ({ seconds: 0n, nanoseconds: Number(nanosecondsPerMs) }),
        },
        // Unstable in every 0.2; guests that print local time get UTC.
        'wasi:clocks/timezone': {
          display: () => ({ utcOffset: 0, name: 'UTC', inDaylightSavingTime: false }),
          utcOffset: () => 0,
        },
      },
    }
  },
}

/** In nanoseconds since some moment. */
function monotonicNow(): bigint {
  return BigInt(Math.round(performance.now() * 1e6))
}

function wallNow(): { seconds: bigint; nanoseconds: number } {
  const ms = BigInt(Date.now())
  return { seconds: ms / 1_000n, nanoseconds: Number((ms % 1_000n) * nanosecondsPerMs) }
}
