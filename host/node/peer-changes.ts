/** Nodes of the mesh that join, are lost or change their state, as triggers hear of them. */
import type { Cancel } from '../../core/index.ts'
import type { MemberView, Mesh, Verdict } from '../../mesh/index.ts'
import type { PeerChange, PeerChanges } from '../triggers/index.ts'

type Source = Pick<Mesh, 'self' | 'members' | 'onChange' | 'onVerdict'>
type Known = Pick<MemberView, 'name' | 'groups'> & { readonly verdict: Verdict }

const gone: ReadonlySet<string> = new Set(['dead', 'left'])

/** What became of a node between two looks at it; null where nothing did. */
export function changeOf(node: string, before: Known | null, now: Known | null): PeerChange | null {
  const known = now ?? before
  const state = now?.verdict ?? 'left'
  const was = before?.verdict ?? null
  if (known === null || state === was) return null
  const isGone = gone.has(state)
  const wasGone = was === null || gone.has(was)
  // From dead to left, or a newcomer that is dead already: nobody was lost by that.
  const kind = isGone ? (wasGone ? 'state' : 'lost') : wasGone ? 'joined' : 'state'
  return { kind, node, name: known.name, groups: known.groups, state, before: was }
}

/** Looks only while somebody listens; what there is when the first begins to is nothing new. */
export function peerChanges(mesh: Source): PeerChanges {
  const listeners = new Set<(change: PeerChange) => void>()
  let known = new Map<string, Known>()
  let cancels: Cancel[] = []
  const look = (): Map<string, Known> => {
    const others = mesh.members().filter(({ id }) => id !== mesh.self)
    return new Map(
      others.map(({ id, name, groups, opinion }) => [id, { name, groups, verdict: opinion.verdict }]),
    )
  }
  const compare = (): void => {
    const before = known
    known = look()
    for (const node of new Set([...before.keys(), ...known.keys()])) {
      const change = changeOf(node, before.get(node) ?? null, known.get(node) ?? null)
      if (change !== null) for (const listener of listeners) listener(change)
    }
  }
  return {
    get groups() {
      return mesh.members().find(({ id }) => id === mesh.self)?.groups ?? []
    },
    onChange(listener) {
      const own = (change: PeerChange): void => listener(change)
      listeners.add(own)
      if (cancels.length === 0) {
        known = look()
        cancels = [mesh.onVerdict(compare), mesh.onChange(compare)]
      }
      return () => {
        listeners.delete(own)
        if (listeners.size > 0) return
        for (const cancel of cancels.splice(0)) cancel()
      }
    },
  }
}
