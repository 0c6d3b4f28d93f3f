/** poll_oneoff: clocks and streams, asleep on the guest's line until one is ready. Files are always ready. */
import type { Waitable } from '../bytes.ts'
import { FileError } from '../filesystem/index.ts'
import { absoluteTime, clockIds, eventHangup, eventTypes, rights, sizes } from './abi.ts'
import type { CallContext, Calls } from './context.ts'
import { preview1Limits } from './limits.ts'

interface Subscription extends Waitable {
  readonly userdata: bigint
  readonly type: number
  /** Asked once it is ready; a number of preview1's errno where it is refused. */
  outcome(): { readonly errno: number; readonly bytes: bigint; readonly flags: number }
}

const fine = { errno: 0, bytes: 0n, flags: 0 }

export function pollCalls(context: CallContext): Calls {
  const { memory, wait } = context
  return {
    poll_oneoff(pointer: number, eventsPointer: number, count: number, donePointer: number) {
      if (count === 0 || count > preview1Limits.subscriptions) throw new FileError('EINVAL')
      memory.bytes(pointer, count * sizes.subscription)
      memory.bytes(eventsPointer, count * sizes.event)
      memory.setU32(donePointer, 0)
      const subscriptions = Array.from({ length: count }, (_, index) =>
        subscriptionAt(context, pointer + index * sizes.subscription),
      )
      // Also where a clock is due: a guest that asks with it again and again must see what has arrived.
      if (subscriptions.some(({ dueAtMs, ready }) => dueAtMs === undefined && !ready())) context.look()
      let ready = subscriptions.filter((subscription) => subscription.ready())
      while (ready.length === 0) {
        wait(subscriptions)
        ready = subscriptions.filter((subscription) => subscription.ready())
      }
      for (const [index, subscription] of ready.entries()) {
        writeEvent(context, eventsPointer + index * sizes.event, subscription)
      }
      memory.setU32(donePointer, ready.length)
    },
  }
}

function subscriptionAt(context: CallContext, pointer: number): Subscription {
  const { memory } = context
  const userdata = memory.u64(pointer)
  const type = memory.u8(pointer + 8)
  try {
    if (type === eventTypes.clock) return clockSubscription(context, pointer, userdata)
    if (type === eventTypes.fdRead || type === eventTypes.fdWrite) {
      return streamSubscription(context, memory.u32(pointer + 16), userdata, type)
    }
  } catch (error) {
    // As wasi-libc's own tests and other runtimes have it: a descriptor that is none fails the call.
    if (!(error instanceof FileError) || error.errno === 'EBADF') throw error
    const { number } = error
    return { userdata, type, ready: () => true, outcome: () => ({ ...fine, errno: number }) }
  }
  throw new FileError('EINVAL')
}

function clockSubscription({ memory, clock }: CallContext, pointer: number, userdata: bigint): Subscription {
  const id = memory.u32(pointer + 16)
  const timeoutMs = Number(memory.u64(pointer + 24)) / 1e6
  const isAbsolute = (memory.u16(pointer + 40) & absoluteTime) !== 0
  if (id !== clockIds.realtime && id !== clockIds.monotonic) throw new FileError('EINVAL')
  const nowMs = clock.monotonicMs()
  const passedMs = !isAbsolute ? 0 : id === clockIds.realtime ? clock.now() : nowMs
  const dueAtMs = nowMs + timeoutMs - passedMs
  return {
    userdata,
    type: eventTypes.clock,
    dueAtMs,
    ready: () => clock.monotonicMs() >= dueAtMs,
    outcome: () => fine,
  }
}

function streamSubscription(
  { descriptors }: CallContext,
  fd: number,
  userdata: bigint,
  type: number,
): Subscription {
  const isRead = type === eventTypes.fdRead
  const found = descriptors.get(fd, rights.pollFdReadwrite | (isRead ? rights.fdRead : rights.fdWrite))
  if (found.kind === 'folder') throw new FileError('EISDIR')
  if (found.kind === 'file') {
    const bytesLeft = (): bigint => {
      const left = found.handle.stat().sizeBytes - found.position
      return isRead && left > 0n ? left : isRead ? 0n : 1n
    }
    return { userdata, type, ready: () => true, outcome: () => ({ ...fine, bytes: bytesLeft() }) }
  }
  const { source, sink } = found
  if (isRead) {
    if (source === null) throw new FileError('EBADF')
    return { userdata, type, ready: () => source.ready(), outcome: () => ({ ...fine, bytes: 1n }) }
  }
  if (sink === null) throw new FileError('EBADF')
  const roomOf = (): number | null => sink.capacity()
  return {
    userdata,
    type,
    ready: () => sink.ready(),
    outcome() {
      const room = roomOf()
      return room === null ? { ...fine, flags: eventHangup } : { ...fine, bytes: BigInt(room) }
    },
  }
}

function writeEvent({ memory }: CallContext, pointer: number, subscription: Subscription): void {
  const { errno, bytes, flags } = subscription.outcome()
  memory.bytes(pointer, sizes.event).fill(0)
  memory.setU64(pointer, subscription.userdata)
  memory.setU16(pointer + 8, errno)
  memory.setU8(pointer + 10, subscription.type)
  memory.setU64(pointer + 16, bytes)
  memory.setU16(pointer + 24, flags)
}
