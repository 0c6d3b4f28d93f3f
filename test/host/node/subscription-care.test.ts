import { describe, expect, it } from 'vitest'
import { silentLog } from '../../../core/index.ts'
import { SubscriptionCare, type SubscriptionCareNeeds } from '../../../host/node/subscription-care.ts'
import { VirtualClock } from '../../sim/index.ts'

const hour = 3_600_000

function careFor(names: readonly string[]) {
  const clock = new VirtualClock()
  const state = {
    apps: ['till'],
    triggers: [{ kind: 'message', topic: 'shop/door' }] as { kind: string; topic?: string }[],
    read: new Set<string>(),
    forgotten: [] as string[],
  }
  const care = new SubscriptionCare({
    messaging: {
      get subscriptions() {
        return names.filter((name) => !state.forgotten.includes(name))
      },
      isRead: (name: string) => state.read.has(name),
      forget: async (name: string) => void state.forgotten.push(name),
    },
    mesh: { releases: { desired: () => [{ record: { app: 'till', triggers: state.triggers } }] } },
    apps: { status: () => state.apps.map((app) => ({ app })) },
    clock,
    log: silentLog,
  } as unknown as SubscriptionCareNeeds)
  care.start()
  return { clock, state, care }
}

describe('a subscription', () => {
  it('stays while its app is here and hears the topic, however long nobody reads it', () => {
    const { clock, state } = careFor(['app/till/shop/door'])
    clock.advance(100 * hour)
    expect(state.forgotten).toEqual([])
  })

  it('goes an hour after its app or its trigger has, unless somebody reads it, and is no other’s business', () => {
    const { clock, state, care } = careFor([
      'app/till/shop/door',
      'app/till/old',
      'app/gone/x',
      'bridge/cloud',
    ])
    state.read.add('app/till/old')
    clock.advance(hour / 2)
    expect(state.forgotten).toEqual([])
    clock.advance(hour)
    expect(state.forgotten).toEqual(['app/gone/x'])
    state.read.clear()
    state.apps = []
    clock.advance(hour / 2)
    // Back from another node in time.
    state.apps = ['till']
    clock.advance(hour)
    expect(state.forgotten).toEqual(['app/gone/x', 'app/till/old'])
    care.stop()
  })
})
