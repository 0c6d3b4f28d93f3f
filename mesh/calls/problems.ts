/** What can go wrong with a call on its way between two nodes. */
import { defineProblems, isSelvedgeError } from '../../core/index.ts'

export const callsProblems = defineProblems({
  ERR_CALL_UNREACHABLE: {
    kind: 'remote',
    text: 'the node that runs the app was not reached',
    fix: 'see `selvedge why NODE` for what is known of it',
  },
  ERR_CALL_BUSY: {
    kind: 'remote',
    text: 'too many calls are under way between the two nodes',
    fix: 'call less often, or let more nodes run the app',
  },
  ERR_CALL_LOST: {
    kind: 'remote',
    text: 'the connection ended while the call was under way: whether it had an effect is not known',
    fix: 'make it again if that does no harm; `idempotent = true` under [calls] lets the mesh do so',
  },
  ERR_CALL_DEADLINE: {
    kind: 'remote',
    text: 'the call was not answered in its time',
    fix: 'give it more time, or see with `selvedge apps` on the node that runs the app what holds it up',
  },
  ERR_CALL_GIVEN_UP: {
    kind: 'remote',
    text: 'the caller did not wait for the answer',
    fix: 'nothing to do',
  },
  ERR_CALL_HOPS: {
    kind: 'user',
    text: 'the call led to too many others, one behind the other',
    fix: 'see whether apps call each other in a circle',
  },
  ERR_CALL_HEAD_SIZE: {
    kind: 'user',
    text: 'what the call begins with is larger than nodes take',
    fix: 'send fewer or shorter fields',
  },
  ERR_CALL_PROTOCOL: {
    kind: 'remote',
    text: 'the other node does not keep to the protocol of calls',
    fix: 'run the same version of Selvedge on both nodes',
  },
  ERR_CALL_FAULT: {
    kind: 'remote',
    text: 'the other node failed while it answered',
    fix: 'see the log of that node',
  },
  ERR_CALL_STOPPED: {
    kind: 'system',
    text: 'the node stops, or its network is off',
    fix: 'nothing to do: the call was not made',
  },
})

/** Whether a peer broke the protocol, which no honest one of this version does, however it fails. */
export function isViolation(error: unknown): boolean {
  return isSelvedgeError(error, 'ERR_CALL_PROTOCOL', 'ERR_FRAME_TOO_LARGE')
}
