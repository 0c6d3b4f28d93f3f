import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Placement, unmet, type PlacedMember, type PlacementView } from '../../../host/placement/index.ts'
import type { PlacementRule, ReleaseRecord, Verdict } from '../../../mesh/index.ts'

const replaceAfterMs = 30_000

interface Made {
  readonly groups?: readonly string[]
  readonly roles?: readonly string[]
  readonly verdict?: Verdict
  readonly arch?: string
  readonly features?: readonly string[]
  readonly machine?: NonNullable<PlacedMember['report']>['machine']
  readonly devices?: readonly string[]
  readonly running?: number
  readonly state?: 'running' | 'starting' | 'failed' | 'backoff'
}

function member(id: string, made: Made = {}): PlacedMember {
  const {
    groups = [],
    roles = [],
    verdict = 'alive',
    arch = 'x64',
    features = ['simd'],
    machine,
    devices = [],
    running,
    state = 'running',
  } = made
  return {
    id,
    name: id,
    groups,
    roles,
    verdict,
    report: {
      arch,
      platform: 'linux',
      features,
      machine,
      devices: devices.map((device) => {
        const [kind = '', name = ''] = device.split(':')
        return { kind: kind as 'sensor', name, driver: 'simulated' }
      }),
      apps:
        running === undefined
          ? []
          : [{ app: 'thermo', version: '1.0.0', seq: running, state, since: 0, failures: 0 }],
    },
  }
}

function release(
  placement: PlacementRule,
  more: Partial<ReleaseRecord> = {},
): { record: ReleaseRecord; digest: string } {
  const chunks = { digest: 'list', sizeBytes: 1 }
  const record = {
    app: 'thermo',
    seq: 1,
    version: '1.0.0',
    component: { digest: 'component', sizeBytes: 10, chunks },
    limits: { memoryBytes: 1_024, deadlineMs: 1_000 },
    grants: [],
    groups: [],
    placement,
    ...more,
  }
  return { record: record as unknown as ReleaseRecord, digest: `d${more.seq ?? 1}` }
}

/** One placement for each node, as each daemon has its own. */
class Site {
  readonly placements = new Map<string, Placement>()
  nowMs = 0

  decide(
    members: readonly PlacedMember[],
    releases: ReturnType<typeof release>[],
    from?: Partial<PlacementView>,
  ): string[] {
    return members.filter(({ id }) => this.ask(id, members, releases, from)?.runsHere).map(({ id }) => id)
  }

  ask(
    self: string,
    members: readonly PlacedMember[],
    releases: ReturnType<typeof release>[],
    from: Partial<PlacementView> = {},
  ): ReturnType<Placement['decide']>[number] | undefined {
    const placement = this.placements.get(self) ?? new Placement()
    this.placements.set(self, placement)
    // What each rests from stands in its record.
    const told = members.map((one) => {
      const { rests = [] } = this.placements.get(one.id) ?? {}
      return one.report === null ? one : { ...one, report: { ...one.report, rests } }
    })
    return placement.decide([releases], { self, isIsolated: false, members: told, ...from }, this.nowMs)[0]
  }
}

const five = ['a', 'b', 'c', 'd', 'e'].map((id) => member(id))

function changed(members: readonly PlacedMember[], id: string, made: Made): PlacedMember[] {
  return members.map((one) => (one.id === id ? member(id, made) : one))
}

describe('who runs a release', () => {
  it('is every node where nothing is said', () => {
    expect(new Site().decide(five, [release({})])).toEqual(['a', 'b', 'c', 'd', 'e'])
  })

  it('is every node still when a newcomer is counted before it', () => {
    const site = new Site()
    const members = [member('b', { running: 1 }), member('c', { running: 1 })]
    site.decide(members, [release({})])
    const all = [member('a'), ...members]
    expect(['b', 'c'].map((id) => site.ask(id, all, [release({})])?.why)).toEqual([
      'every node that can runs it',
      'every node that can runs it',
    ])
  })

  it('is as many nodes as it wants, and each node says the same of all', () => {
    const site = new Site()
    const running = site.decide(five, [release({ replicas: 2 })])
    expect(running).toHaveLength(2)
    for (const { id } of five) expect(site.ask(id, five, [release({ replicas: 2 })])?.nodes).toEqual(running)
  })

  it('is so many of each group, or of the whole mesh', () => {
    const members = [...'abcdef'].map((id, index) => member(id, { groups: [index < 3 ? 'lobby' : 'garage'] }))
    const perGroup = new Site().decide(members, [release({ replicas: 1 })])
    expect(perGroup.map((id) => (id < 'd' ? 'lobby' : 'garage'))).toEqual(['lobby', 'garage'])
    expect(new Site().decide(members, [release({ replicas: 1, per: 'mesh' })])).toHaveLength(1)
  })

  it('is not a node that was just started, in the place of one it has not dialled yet', () => {
    const site = new Site()
    const quick = [release({ replicas: 1, replaceAfterMs: 1_000 })]
    const [owner = ''] = site.decide(five, quick)
    const started = new Site()
    const unmet = changed(five, owner, { verdict: 'suspect' })
    const takers = (nowMs: number): string[] => {
      started.nowMs = nowMs
      return started.decide(unmet, quick).filter((id) => id !== owner)
    }
    expect(takers(0)).toEqual([])
    expect(takers(9_999)).toEqual([])
    expect(takers(10_000)).toHaveLength(1)
  })

  it('is not a node whose network came long after its apps, either', () => {
    const site = new Site()
    const quick = [release({ replicas: 1, replaceAfterMs: 1_000 })]
    const [owner = ''] = site.decide(five, quick)
    const started = new Site()
    const unmet = changed(five, owner, { verdict: 'suspect' })
    const takers = (nowMs: number, isConnecting: boolean): string[] => {
      started.nowMs = nowMs
      return started.decide(unmet, quick, { isConnecting, isIsolated: true }).filter((id) => id !== owner)
    }
    expect(takers(0, true)).toEqual([])
    expect(takers(12_000, true)).toEqual([])
    expect(takers(13_000, false)).toEqual([])
    expect(takers(22_999, false)).toEqual([])
    expect(takers(23_000, false)).toHaveLength(1)
  })

  it('is nobody who lacks what it needs or is granted', () => {
    const members = [
      member('a', { arch: 'arm64', devices: ['pin:led'] }),
      member('b', { arch: 'arm64' }),
      member('c', { devices: ['pin:led'] }),
      member('d', { arch: 'arm64', devices: ['sensor:led'] }),
    ]
    expect(new Site().decide(members, [release({ needs: ['arch:arm64'] }, { grants: ['pin:led'] })])).toEqual(
      ['a'],
    )
    const why = new Site().ask('b', members, [
      release({ needs: ['arch:arm64'] }, { grants: ['pin:led'] }),
    ])?.why
    expect(why).toBe('placed on a; this node lacks pin:led')
  })

  it('is nobody whose machine cannot, though every node is to run it, and each node says the same', () => {
    const site = new Site()
    const members = [member('a'), member('b', { features: [] }), member('c', { devices: ['pin:led'] })]
    const needy = release({}, { features: ['simd'], grants: ['pin:led'] })
    expect(site.decide(members, [needy])).toEqual(['a', 'c'])
    for (const { id } of members) {
      const { nodes, unfit } = site.ask(id, members, [needy]) ?? {}
      expect({ nodes, unfit }).toEqual({ nodes: ['a', 'c'], unfit: [{ node: 'b', lacks: ['feature:simd'] }] })
    }
    expect(site.ask('b', members, [needy])?.why).toBe('placed on a, c; this node lacks pin:led, feature:simd')
  })

  it('is also a machine that only a variant fits', () => {
    const variants = [{ name: 'plain', component: release({}).record.component, features: [] }]
    const members = [member('a'), member('b', { features: [] })]
    const both = release({}, { features: ['simd'], variants })
    expect(new Site().decide(members, [both])).toEqual(['a', 'b'])
  })

  it('is nobody with less memory than the release may take, and whoever says nothing of its memory', () => {
    const limits = { memoryBytes: 64 * 1024 ** 2, deadlineMs: 1 }
    const small = member('a', { machine: { appMemoryBytes: 32 * 1024 ** 2 } })
    const large = member('b', { machine: { appMemoryBytes: 64 * 1024 ** 2 } })
    const site = new Site()
    expect(site.decide([small, large, member('c')], [release({}, { limits })])).toEqual(['b', 'c'])
    expect(site.ask('b', [small, large], [release({}, { limits })])?.unfit).toEqual([
      { node: 'a', lacks: ['memory:64MiB (it can give an app 32MiB)'] },
    ])
  })

  it('is who runs it, where another version counts otherwise what it may take', () => {
    const limits = { memoryBytes: 64 * 1024 ** 2, deadlineMs: 1 }
    const machine = { appMemoryBytes: 32 * 1024 ** 2 }
    const releases = [release({ replicas: 1 }, { limits })]
    const [owner = ''] = new Site().decide(five, releases)
    const small = changed(five, owner, { machine })
    expect(new Site().decide(small, releases)).not.toContain(owner)
    const running = changed(five, owner, { machine, running: 1 })
    expect(new Site().decide(running, releases)).toEqual([owner])
  })

  it('rests by its own word from what its machine cannot run, where places are counted', () => {
    const limits = { memoryBytes: 64 * 1024 ** 2, deadlineMs: 1 }
    const members = [member('a', { machine: { appMemoryBytes: 32 * 1024 ** 2 } }), member('b')]
    const site = new Site()
    site.decide(members, [release({ replicas: 1 }, { limits })])
    expect(site.placements.get('a')?.rests).toEqual([{ app: 'thermo', seq: 1 }])
    expect(site.placements.get('b')?.rests).toEqual([])
    site.decide(members, [release({}, { limits, seq: 2 })])
    expect(site.placements.get('a')?.rests).toEqual([])
  })

  it('is nobody under a need of a later version', () => {
    expect(new Site().decide(five, [release({ needs: ['planet:mars'] })])).toEqual([])
  })
})

describe('a release that a machine cannot run, after one that it could', () => {
  const before = release({}, { seq: 1 })
  const needy = release({}, { seq: 2, version: '2.0.0', features: ['simd'] })

  it('leaves the one before it running there', () => {
    const members = [member('a', { running: 1 }), member('b', { features: [], running: 1 })]
    const site = new Site()
    expect(site.decide(members, [needy, before])).toEqual(['a'])
    const there = site.ask('b', members, [needy, before])
    expect(there?.stays?.record.seq).toBe(1)
    expect(there?.why).toBe('1.0.0 goes on: placed on a; this node lacks feature:simd')
    expect(site.ask('a', members, [needy, before])?.stays).toBe(null)
  })

  it('leaves it running over a restart, and brings nothing to a machine that never ran it', () => {
    const members = [member('a', { running: 1 }), member('b', { features: [] })]
    const site = new Site()
    expect(site.ask('b', members, [needy, before])?.stays).toBe(null)
    const ranBefore = new Map([['thermo', 1]])
    expect(site.ask('b', members, [needy, before], { ranBefore })?.stays?.record.seq).toBe(1)
  })

  it('takes its place away where places are counted: another node runs it', () => {
    const counted = release({ replicas: 1 }, { seq: 2, features: ['simd'] })
    const members = [member('a'), member('b', { features: [], running: 1 })]
    expect(new Site().ask('b', members, [counted, before])?.stays).toBe(null)
  })
})

describe('a node that is not reached', () => {
  const rule = release({ replicas: 1, replaceAfterMs })

  function ownerOf(site: Site): string {
    return site.decide(five, [rule])[0] ?? ''
  }

  it('keeps its place for the release’s time, then another one runs it', () => {
    const site = new Site()
    const owner = ownerOf(site)
    const members = changed(five, owner, { verdict: 'dead' })
    const others = (): string[] => site.decide(members, [rule]).filter((id) => id !== owner)
    expect(others()).toEqual([])
    const asked = members.find(({ id }) => id !== owner)?.id ?? ''
    expect(site.placements.get(asked)?.wakeAtMs).toBe(replaceAfterMs)
    site.nowMs += replaceAfterMs
    expect(others()).toHaveLength(1)
  })

  it('loses it at once where it has left', () => {
    const site = new Site()
    const owner = ownerOf(site)
    expect(
      site.decide(changed(five, owner, { verdict: 'left' }), [rule]).filter((id) => id !== owner),
    ).toHaveLength(1)
  })

  it('has it back only when it says that it runs, so that somebody always does', () => {
    const site = new Site()
    const owner = ownerOf(site)
    const away = changed(five, owner, { verdict: 'dead' })
    site.decide(away, [rule])
    site.nowMs += replaceAfterMs
    const [stand = ''] = site.decide(away, [rule]).filter((id) => id !== owner)
    const back = changed(five, owner, { running: 1, state: 'starting' })
    expect(site.decide(back, [rule]).sort()).toEqual([owner, stand].sort())
    expect(site.ask(stand, back, [rule])?.why).toContain('does not run it yet')
    const runs = changed(five, owner, { running: 1 })
    // It may be the word of its life before, which is believed only when a newer one had time to come.
    expect(site.decide(runs, [rule])).toContain(stand)
    expect(site.placements.get(stand)?.wakeAtMs).toBe(site.nowMs + 2_000)
    site.nowMs += 2_000
    expect(site.decide(runs, [rule])).toEqual([owner])
  })

  it('that comes and goes moves the app less and less often', () => {
    const site = new Site()
    const owner = ownerOf(site)
    const away = changed(five, owner, { verdict: 'dead' })
    const back = changed(five, owner, { running: 1 })
    const waits: number[] = []
    for (let round = 0; round < 4; round += 1) {
      const lostMs = site.nowMs
      while (site.decide(away, [rule]).every((id) => id === owner)) site.nowMs += 1_000
      waits.push(site.nowMs - lostMs)
      site.decide(back, [rule])
      site.nowMs += 3_000
      site.decide(back, [rule])
    }
    expect(waits.slice(0, 2)).toEqual([replaceAfterMs, replaceAfterMs])
    expect(waits[2]).toBeGreaterThan(replaceAfterMs)
    expect(waits[3]).toBeGreaterThan(waits[2] ?? 0)
  })

  it('is replaced too where it is reached but cannot run it', () => {
    const site = new Site()
    const owner = ownerOf(site)
    const failed = changed(five, owner, { running: 1, state: 'failed' })
    expect(site.decide(failed, [rule])).toEqual([owner])
    site.nowMs += replaceAfterMs
    expect(site.decide(failed, [rule])).toHaveLength(2)
  })

  it('does not have it back while it rests, though its record says nothing of the failure any more', () => {
    const rule = release({ replicas: 1, replaceAfterMs })
    const site = new Site()
    const owner = site.decide(five, [rule])[0] ?? ''
    const failing = changed(five, owner, { running: 1, state: 'failed' })
    site.decide(failing, [rule])
    site.nowMs += replaceAfterMs
    const other = site.decide(failing, [rule]).find((id) => id !== owner) ?? ''
    const moved = changed(five, other, { running: 1 })
    for (let minute = 0; minute < 9; minute++) {
      expect(site.decide(moved, [rule])).toEqual([other])
      site.nowMs += 60_000
    }
    site.nowMs += 60_000
    expect(site.decide(moved, [rule])).toEqual(expect.arrayContaining([owner, other]))
  })

  it('tries on where nobody else could run it', () => {
    const site = new Site()
    const alone = [member('a', { running: 1, state: 'failed' })]
    site.decide(alone, [rule])
    site.nowMs += replaceAfterMs
    expect(site.ask('a', alone, [rule])).toMatchObject({
      runsHere: true,
      why: 'this node has a place, and cannot run it; nobody else can either',
    })
  })
})

describe('a place whose app ends again and again', () => {
  const rule = release({ replicas: 1, replaceAfterMs })
  const ownerAt = (site: Site): string => site.decide(five, [rule])[0] ?? ''

  it('goes to another node after two minutes, and does not come back before that has run for a while', () => {
    const site = new Site()
    const owner = ownerAt(site)
    const ending = changed(five, owner, { running: 1, state: 'backoff' })
    site.decide(ending, [rule])
    // What lies between two ends is not taken for its being well.
    for (let step = 0; step < 11; step++) {
      site.nowMs += 10_000
      const state = step % 2 === 0 ? ('running' as const) : ('backoff' as const)
      expect(site.decide(changed(five, owner, { running: 1, state }), [rule])).toEqual([owner])
    }
    site.nowMs += 10_000
    const both = site.decide(ending, [rule])
    expect(both).toHaveLength(2)
    const other = both.find((id) => id !== owner) ?? ''
    const moved = changed(five, other, { running: 1 })
    expect(site.decide(moved, [rule])).toEqual([other])
    site.nowMs += 500_000
    expect(site.decide(moved, [rule])).toEqual([other])
    site.nowMs += 100_000
    expect(site.decide(moved, [rule])).toEqual(expect.arrayContaining([owner, other]))
  })

  it('stays where it ran well for a minute in between, and where nobody else could run it', () => {
    const site = new Site()
    const owner = ownerAt(site)
    const ending = changed(five, owner, { running: 1, state: 'backoff' })
    for (let round = 0; round < 5; round++) {
      site.decide(ending, [rule])
      site.nowMs += 50_000
      site.decide(changed(five, owner, { running: 1 }), [rule])
      site.nowMs += 60_000
      expect(site.decide(changed(five, owner, { running: 1 }), [rule])).toEqual([owner])
    }
    const alone = [member('a', { running: 1, state: 'backoff' })]
    const single = new Site()
    single.decide(alone, [rule])
    single.nowMs += 1_000_000
    expect(single.decide(alone, [rule])).toEqual(['a'])
  })

  it('is taken at once by whose turn it is though that was started anew: who rests says so itself', () => {
    const site = new Site()
    const owner = ownerAt(site)
    const ending = changed(five, owner, { running: 1, state: 'backoff' })
    site.decide(ending, [rule])
    site.nowMs += 120_000
    const other = site.decide(ending, [rule]).find((id) => id !== owner) ?? ''
    expect(site.decide(changed(five, other, { running: 1 }), [rule])).toEqual([other])
    site.placements.delete(other)
    expect(site.decide(five, [rule])).toEqual([other])
  })

  it('is given another chance at once where its node was started anew', () => {
    const site = new Site()
    const owner = ownerAt(site)
    site.decide(changed(five, owner, { running: 1, state: 'backoff' }), [rule])
    site.nowMs += 120_000
    site.decide(changed(five, owner, { running: 1, state: 'backoff' }), [rule])
    site.decide(changed(five, owner, { verdict: 'dead' }), [rule])
    site.nowMs += 1_000
    expect(site.decide(five, [rule])).toContain(owner)
  })
})

describe('a release that must not run twice', () => {
  const rule = release({ replicas: 1, replaceAfterMs, minority: 'stop' })
  /** Who begins it, once all have heard that nobody runs it. */
  const firstAt = (site: Site): string => {
    expect(site.decide(five, [rule])).toEqual([])
    site.nowMs += 10_000
    return site.decide(five, [rule])[0] ?? ''
  }

  it('is stopped by who stood in before the owner that is back starts it', () => {
    const site = new Site()
    const owner = firstAt(site)
    const others = five.map(({ id }) => id).filter((id) => id !== owner)
    const away = changed(five, owner, { verdict: 'dead' })
    const decideApart = (members: readonly PlacedMember[], isIsolated: boolean): string[] => [
      ...site.decide(members, [rule]).filter((id) => id !== owner),
      ...(site.ask(owner, members, [rule], { isIsolated })?.runsHere === true ? [owner] : []),
    ]
    decideApart(away, true)
    site.nowMs += replaceAfterMs
    const [standIn = ''] = decideApart(away, true)
    expect(others).toContain(standIn)
    let healed = changed(five, standIn, { running: 1 })
    expect(decideApart(healed, false)).toEqual([standIn])
    site.nowMs += 8_000
    // It lets go; the owner still sees its record, and waits.
    expect(decideApart(healed, false)).toEqual([])
    healed = five
    site.nowMs += 1_999
    expect(decideApart(healed, false)).toEqual([])
    site.nowMs += 1
    expect(decideApart(healed, false)).toEqual([owner])
    expect(decideApart(changed(five, owner, { running: 1 }), false)).toEqual([owner])
  })

  it('is not handed back to an owner that cannot start it', () => {
    const site = new Site()
    const owner = firstAt(site)
    const failed = changed(five, owner, { running: 1, state: 'failed' })
    site.decide(failed, [rule])
    site.nowMs += replaceAfterMs
    const [standIn = '', ...more] = site.decide(failed, [rule]).filter((id) => id !== owner)
    expect(more).toEqual([])
    // The owner has stopped trying, and its record says nothing of it any more.
    const moved = changed(five, standIn, { running: 1 })
    for (let minute = 0; minute < 9; minute++) {
      site.nowMs += 60_000
      expect(site.decide(moved, [rule])).toEqual([standIn])
    }
  })
})

describe('a release that counts its places otherwise than the one before', () => {
  it('is run by who ran it until it runs where it is to', () => {
    const site = new Site()
    const groups = ['lobby', 'attic']
    const members = five.map(({ id }, at) => member(id, { groups: [groups[at % 2] as string] }))
    const before = release({ replicas: 1, replaceAfterMs })
    const old = site.decide(members, [before])
    expect(old).toHaveLength(2)
    const after = release({ replicas: 1, per: 'mesh', replaceAfterMs }, { seq: 2 })
    const running = members.map((one) =>
      old.includes(one.id) ? member(one.id, { groups: one.groups, running: 1 }) : one,
    )
    const now = site.decide(running, [after])
    expect(now).toEqual(expect.arrayContaining(old))
    const fresh = site.ask(old[0] ?? '', running, [after])?.nodes[0] ?? ''
    const moved = members.map((one) =>
      one.id === fresh ? member(one.id, { groups: one.groups, running: 2 }) : one,
    )
    expect(site.decide(moved, [after])).toEqual([fresh])
  })

  it('is stopped at once on nodes that it is not meant for any more', () => {
    const site = new Site()
    const members = five.map(({ id }, at) => member(id, { groups: [at < 2 ? 'lobby' : 'attic'] }))
    const [old = ''] = site.decide(members, [release({ replicas: 1, replaceAfterMs }, { groups: ['lobby'] })])
    const after = release({ replicas: 1, replaceAfterMs }, { seq: 2, groups: ['attic'] })
    expect(site.decide(members, [after])).not.toContain(old)
  })
})

describe('who stands by', () => {
  it('is who takes the place when its node is gone, so that the component is not gone with it', () => {
    const site = new Site()
    const rule = release({ replicas: 1, replaceAfterMs })
    const owner = site.decide(five, [rule])[0] ?? ''
    const standing = five.filter(({ id }) => site.ask(id, five, [rule])?.standsBy).map(({ id }) => id)
    expect(standing).toHaveLength(1)
    const away = changed(five, owner, { verdict: 'dead' })
    site.decide(away, [rule])
    site.nowMs += replaceAfterMs
    expect(site.decide(away, [rule]).filter((id) => id !== owner)).toEqual(standing)
  })
})

describe('a mesh in two parts', () => {
  it('runs its replicas in each, unless the release says that a minority stops', () => {
    const site = new Site()
    const seenBy = (part: string): PlacedMember[] =>
      five.map(({ id }) => member(id, { verdict: part.includes(id) ? 'alive' : 'suspect' }))
    const inPart = (part: string, rule: PlacementRule, isIsolated: boolean): string[] =>
      [...part].filter((id) => site.ask(id, seenBy(part), [release(rule)], { isIsolated })?.runsHere)
    const run = (rule: PlacementRule): string[] => [
      ...inPart('ab', rule, true),
      ...inPart('cde', rule, false),
    ]
    run({ replicas: 1, replaceAfterMs })
    site.nowMs += replaceAfterMs
    expect(run({ replicas: 1, replaceAfterMs })).toHaveLength(2)
    const stops = run({ replicas: 1, replaceAfterMs, minority: 'stop' })
    expect(stops).toHaveLength(1)
    expect('cde').toContain(stops[0])
  })
})

describe('names of replicas', () => {
  it('stay with the place: who stands in takes the name over', () => {
    const site = new Site()
    const rule = release({ replicas: 2, replaceAfterMs, stableNames: true })
    const names = (members: readonly PlacedMember[]): (string | null | undefined)[] =>
      members
        .filter(({ verdict }) => verdict === 'alive')
        .map(({ id }) => site.ask(id, members, [rule])?.instance)
    const before = names(five).filter((name) => name !== null)
    expect(before.sort()).toEqual(['thermo-0', 'thermo-1'])
    const owner = site.decide(five, [rule])[0] ?? ''
    const away = changed(five, owner, { verdict: 'dead' })
    names(away)
    site.nowMs += replaceAfterMs
    expect(
      names(away)
        .filter((name) => name !== null)
        .sort(),
    ).toEqual(['thermo-0', 'thermo-1'])
  })
})

describe('names where every node runs it', () => {
  it('are those of the nodes, so that a newcomer renames nobody', () => {
    const rule = release({ stableNames: true })
    expect(new Site().ask('c', five, [rule])?.instance).toBe('thermo-c')
    expect(new Site().ask('c', [member('0'), ...five], [rule])?.instance).toBe('thermo-c')
  })
})

describe('a release that wants every group', () => {
  const members = [
    member('a', { groups: ['lobby'], devices: ['pin:led'] }),
    member('b', { groups: ['garage'] }),
  ]

  it('is held while one of them has nobody who can run it, and the one before it runs on', () => {
    const next = release({ everyGroup: true }, { seq: 2, version: '2.0.0', grants: ['pin:led'] })
    const before = release({}, { seq: 1 })
    const placed = new Site().ask('b', members, [next, before])
    expect(placed).toMatchObject({ runsHere: true, release: { digest: 'd1' } })
    expect(placed?.held?.error.message).toContain(
      '0 nodes of group garage can run it, and it wants 1; others lack pin:led',
    )
  })

  it('is not held because a node is away for now', () => {
    const rule = release({ everyGroup: true })
    for (const verdict of ['dead', 'left'] as const)
      expect(
        unmet(rule.record, { members: changed(members, 'b', { groups: ['garage'], verdict }) }),
      ).toBeNull()
  })

  it('runs on where it runs when a newcomer brings a group that cannot', () => {
    const rule = release({ everyGroup: true }, { grants: ['pin:led'] })
    const [able = member('a')] = members
    const newcomer = member('c', { groups: ['attic'] })
    const asked = (running?: number): unknown => {
      const first =
        running === undefined ? able : member('a', { groups: ['lobby'], devices: ['pin:led'], running })
      return new Site().ask('a', [first, newcomer], [rule])?.runsHere
    }
    expect(asked()).toBe(false)
    expect(asked(1)).toBe(true)
  })

  it('runs on after a restart of its node too, whose record says nothing yet', () => {
    const rule = release({ everyGroup: true }, { grants: ['pin:led'] })
    const view = {
      self: 'a',
      isIsolated: false,
      members: [member('a', { groups: ['lobby'], devices: ['pin:led'] }), member('c', { groups: ['attic'] })],
    }
    const { app, seq } = rule.record
    const ranBefore = (number: number): unknown =>
      new Placement().decide([[rule]], { ...view, ranBefore: new Map([[app, number]]) }, 0)[0]?.runsHere
    expect(ranBefore(seq)).toBe(true)
    expect(ranBefore(seq - 1)).toBe(false)
  })
})

describe('whatever the mesh looks like', () => {
  const mesh = fc.uniqueArray(fc.integer({ min: 0, max: 999 }), { minLength: 1, maxLength: 24 })
  const rule = fc.record({ replicas: fc.integer({ min: 1, max: 6 }) })

  it('as many run it as it wants, or as there are', () => {
    fc.assert(
      fc.property(mesh, rule, (ids, placement) => {
        const members = ids.map((id) => member(`n${id}`))
        expect(new Site().decide(members, [release(placement)])).toHaveLength(
          Math.min(placement.replicas, ids.length),
        )
      }),
    )
  })

  it('as many run it as it wants of those that are reached, once the others had their time', () => {
    fc.assert(
      fc.property(
        mesh,
        rule,
        fc.array(fc.boolean(), { minLength: 24, maxLength: 24 }),
        (ids, placement, gone) => {
          const site = new Site()
          const members = ids.map((id, index) =>
            member(`n${id}`, { verdict: gone[index] === true ? 'dead' : 'alive' }),
          )
          const alive = members.filter(({ verdict }) => verdict === 'alive')
          const run = (): string[] =>
            site.decide(members, [release(placement)]).filter((id) => alive.some((one) => one.id === id))
          run()
          site.nowMs += 60_000
          expect(run()).toHaveLength(Math.min(placement.replicas, alive.length))
        },
      ),
    )
  })

  it('a newcomer takes at most its own place', () => {
    fc.assert(
      fc.property(mesh, (ids) => {
        const members = ids.map((id) => member(`n${id}`))
        const before = new Set(new Site().decide(members, [release({ replicas: 1 })]))
        const after = new Site().decide([...members, member('new')], [release({ replicas: 1 })])
        expect(after.filter((id) => !before.has(id) && id !== 'new')).toEqual([])
      }),
    )
  })
})
