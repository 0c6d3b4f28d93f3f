/** `kind = "peer"`: an event when a node of the mesh joins, is lost, or is seen in another state, as this node sees it. */
import * as v from 'valibot'
import type { PeerChange, TriggerKind } from '../contract.ts'
import { nameField, said } from '../fields.ts'
import { triggerProblems } from '../problems.ts'

const moments = ['joined', 'lost', 'state', 'any'] as const
const on = v.optional(v.picklist(moments, `is no moment; write "${moments.join('", "')}"`))

const options = v.strictObject({
  /** `joined`: it was not there before; `lost`: it is dead or has left; `state`: any change of its verdict; `any` where it is not said. */
  on,
  /** Only of nodes in this group. */
  group: v.optional(nameField),
  /** Only of the node of this name. */
  node: v.optional(nameField),
})
type PeerOptions = v.InferOutput<typeof options>

export type PeerPayload = {
  readonly kind: PeerChange['kind']
  readonly node: string
  readonly name: string
  readonly groups: readonly string[]
  readonly state: string
  readonly before: string | null
  readonly timeMs: number
}

/** Whether a change is one that the trigger is about. */
export function concerns({ on: moment = 'any', group, node }: PeerOptions, change: PeerChange): boolean {
  if (group !== undefined && !change.groups.includes(group)) return false
  if (node !== undefined && change.name !== node) return false
  return moment === 'any' || moment === 'state' || change.kind === moment
}

export const peerTrigger: TriggerKind<PeerOptions, PeerPayload> = {
  kind: 'peer',
  summary: 'an event when a node of the mesh joins, is lost, or changes its state',
  written: { on, group: v.optional(nameField), node: v.optional(nameField) },
  toSpec: ({ on: moment, group, node }) => said({ on: moment, group, node } as Record<string, string>),
  fromOption: (text) => (text === '' ? {} : { on: text }),
  options,
  handlers: ['selvedge:edge/peer-handler@0.1.0'],
  method: 'handle',
  delivery: 'at-most-once',
  requiredGrants: () => [],
  args: ({ kind, node, name, groups, state, before, timeMs }, { id, attempt }) => [
    { id: BigInt(id), attempt, kind, node, name, groups, state, before, timeMs: BigInt(timeMs) },
  ],
  start(chosen, { peers, clock, emit, failed }) {
    if (peers === null) {
      failed(
        triggerProblems.error('ERR_TRIGGER_SOURCE', 'there is no mesh here whose nodes could be told of'),
      )
      return { stop() {} }
    }
    const stop = peers.onChange((change) => {
      if (!concerns(chosen, change)) return
      const timeMs = Math.max(0, Math.floor(clock.now()))
      emit({ payload: { ...change, timeMs }, key: change.node })
    })
    return { stop }
  },
}
