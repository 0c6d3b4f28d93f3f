import { describe, expect, it } from 'vitest'
import { changeOf } from '../../../host/node/peer-changes.ts'
import type { PeerChange } from '../../../host/triggers/index.ts'
import { runTrigger } from './context.ts'

const change: PeerChange = {
  kind: 'lost',
  node: 'id-door',
  name: 'door',
  groups: ['lobby'],
  state: 'dead',
  before: 'suspect',
}

function run(spec: Record<string, string>) {
  const listeners = new Set<(one: PeerChange) => void>()
  const peers = {
    groups: ['lobby'],
    onChange: (listener: (one: PeerChange) => void) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
  const trigger = runTrigger({ kind: 'peer', ...spec }, [], { peers })
  return {
    trigger,
    listeners,
    tell: (one: PeerChange) => [...listeners].forEach((listener) => listener(one)),
  }
}

describe('the peer trigger', () => {
  it('makes an event of a change, for the peer handler', () => {
    const { trigger, tell } = run({})
    tell(change)
    expect(trigger.args(3)).toEqual([
      { id: 3n, attempt: 1, ...change, timeMs: BigInt(trigger.clock.epochMs) },
    ])
    expect(trigger.events[0]?.key).toBe('id-door')
  })

  it.each([
    [{ on: 'lost' }, 1],
    [{ on: 'joined' }, 0],
    [{ on: 'state' }, 1],
    [{ group: 'lobby' }, 1],
    [{ group: 'garage' }, 0],
    [{ node: 'door' }, 1],
    [{ node: 'window' }, 0],
  ])('with %j takes what it is about', (spec, count) => {
    const { trigger, tell } = run(spec as Record<string, string>)
    tell(change)
    expect(trigger.events).toHaveLength(count)
  })

  it('says so where there is no mesh', () => {
    expect(runTrigger({ kind: 'peer' }, []).problems).toMatchObject([{ code: 'ERR_TRIGGER_SOURCE' }])
  })
})

describe('what became of a node', () => {
  const known = (verdict: 'alive' | 'suspect' | 'dead' | 'left') => ({ name: 'door', groups: [], verdict })

  it.each([
    ['a newcomer joined', null, 'alive', 'joined'],
    ['one that came back joined', 'dead', 'alive', 'joined'],
    ['a suspect is in another state', 'alive', 'suspect', 'state'],
    ['a suspect that is dead is lost', 'suspect', 'dead', 'lost'],
    ['one that has left is lost', 'alive', 'left', 'lost'],
    ['a dead one that has left was lost before', 'dead', 'left', 'state'],
  ] as const)('%s', (_name, before, now, kind) => {
    const was = before === null ? null : known(before)
    expect(changeOf('id', was, known(now))).toMatchObject({ kind, state: now, before })
  })

  it('is nothing where its state is the same, and lost where it is no member any more', () => {
    expect(changeOf('id', known('alive'), known('alive'))).toBeNull()
    expect(changeOf('id', known('alive'), null)).toMatchObject({ kind: 'lost', state: 'left' })
  })
})
