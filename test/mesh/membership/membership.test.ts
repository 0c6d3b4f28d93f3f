import { describe, expect, it } from 'vitest'
import {
  Membership,
  Rings,
  type MembershipAction,
  type MembershipEvent,
  type OwnWord,
  type Statement,
} from '../../../mesh/membership/index.ts'
import { SeededRandom } from '../../sim/index.ts'

/** One machine among peers that answer when told to. */
class Bench {
  nowMs = 0
  readonly machine: Membership
  readonly actions: MembershipAction[] = []
  readonly answering = new Set<string>()

  constructor(...members: string[]) {
    this.machine = new Membership(
      {
        self: 'me',
        boot: 3,
        nonce: 'own',
        random: new SeededRandom(1),
        seal: (statement) => ({ statement, bytes: new Uint8Array() }),
      },
      0,
    )
    this.see({ type: 'members', rings: new Rings(['me', ...members]) })
    this.see({ type: 'network', on: true })
    for (const node of members) {
      this.answering.add(node)
      this.see({ type: 'up', node })
    }
  }

  see(event: MembershipEvent): void {
    const actions = this.machine.handle(event, this.nowMs)
    this.actions.push(...actions)
    for (const action of actions) {
      if (action.type !== 'send' || action.message.t !== 'probe' || !this.answering.has(action.to)) continue
      const { number } = action.message
      this.see({ type: 'message', from: action.to, message: { t: 'ack', number, slow: 0 } })
    }
  }

  hear(from: string, ...statements: Statement[]): void {
    const list = statements.map((statement) => ({ statement, bytes: new Uint8Array() }))
    this.see({ type: 'message', from, message: { t: 'statements', list } })
  }

  run(ms: number): void {
    const end = this.nowMs + ms
    while (this.machine.wakeMs <= end) {
      this.nowMs = Math.max(this.nowMs, this.machine.wakeMs)
      this.see({ type: 'tick' })
    }
    this.nowMs = end
  }

  verdict(node: string): string | null {
    return this.machine.verdict(node, this.nowMs)
  }

  /** What this node said of itself, newest last. */
  words(): OwnWord[] {
    return this.actions.flatMap((action) =>
      action.type === 'send' && action.message.t === 'statements'
        ? action.message.list.flatMap(({ statement }) => (statement.kind === 'vote' ? [] : [statement]))
        : [],
    )
  }
}

describe('the membership machine', () => {
  it('does not take its farewell back for an accusation that it had yet to answer', () => {
    const bench = new Bench('a', 'b')
    bench.run(3_000)
    for (const number of [0, 1]) {
      bench.hear('a', {
        kind: 'vote',
        by: 'a',
        about: 'me',
        incarnation: { boot: 3, number },
        verdict: 'suspect',
        evidence: 'no-answer',
        order: { boot: 1, number },
        silentMs: 1_000,
        ageMs: 0,
        isWide: false,
        isOneWay: false,
      })
    }
    bench.see({ type: 'leave', farewell: 'stops' })
    bench.nowMs += 400
    bench.see({ type: 'tick' })
    expect(bench.words().at(-1)).toMatchObject({ kind: 'left', incarnation: { boot: 3, number: 1 } })
  })

  it('says a word before the votes about it once on each connection, and again after a while', () => {
    const bench = new Bench('a', 'b', 'c', 'd')
    bench.run(3_000)
    const incarnation = { boot: 7, number: 0 }
    /** How often the word was said to a node since this was last asked. */
    const told = (node: string): number => {
      const said = bench.actions.filter(
        (action) =>
          action.type === 'send' &&
          action.to === node &&
          action.message.t === 'statements' &&
          action.message.list.some(({ statement: { about, kind } }) => about === 'b' && kind === 'alive'),
      )
      bench.actions.length = 0
      return said.length
    }
    const vote = (by: string, number: number): Statement => ({
      kind: 'vote',
      by,
      about: 'b',
      incarnation,
      verdict: 'suspect',
      evidence: 'no-answer',
      order: { boot: 1, number },
      silentMs: 1_000,
      ageMs: 0,
      isWide: true,
      isOneWay: false,
    })
    bench.hear('a', { kind: 'alive', by: 'b', about: 'b', incarnation, nonce: 'bs' })
    told('d')
    bench.hear('a', vote('a', 1))
    expect(told('d')).toBe(1)
    bench.hear('a', vote('a', 2))
    expect(told('d')).toBe(0)
    bench.hear('c', vote('c', 1))
    expect(told('a'), 'a said the word itself').toBe(0)
    bench.see({ type: 'lost', node: 'd' })
    bench.see({ type: 'up', node: 'd' })
    told('d')
    bench.hear('a', vote('a', 3))
    expect(told('d'), 'a new connection').toBe(1)
    bench.run(6_000)
    told('d')
    bench.hear('a', vote('a', 4))
    expect(told('d'), 'a while later').toBe(1)
  })

  it('takes a closed connection for suspicion and two refused dials for proof', () => {
    const bench = new Bench('a', 'b')
    bench.run(3_000)
    bench.answering.delete('b')
    bench.see({ type: 'lost', node: 'b' })
    expect(bench.verdict('b')).toBe('suspect')
    expect(bench.actions).toContainEqual({ type: 'dial', node: 'b' })
    bench.see({ type: 'dial-failed', node: 'b', failure: 'refused' })
    bench.run(250)
    bench.see({ type: 'dial-failed', node: 'b', failure: 'refused' })
    const votes = bench.actions.flatMap((action) =>
      action.type === 'send' && action.message.t === 'statements' ? action.message.list : [],
    )
    expect(votes.map(({ statement }) => statement)).toContainEqual(
      expect.objectContaining({ about: 'b', verdict: 'dead', evidence: 'refused' }),
    )
    // It is one of two who watch: the other one has to agree.
    expect(bench.verdict('b')).toBe('suspect')
  })

  it('proves nothing by the refused port of a node that it never heard', () => {
    const bench = new Bench('a')
    bench.see({ type: 'members', rings: new Rings(['me', 'a', 'c']) })
    for (let dial = 0; dial < 5; dial++) {
      bench.see({ type: 'dial-failed', node: 'c', failure: 'refused' })
      bench.run(300)
    }
    expect(bench.verdict('c')).toBe('suspect')
    expect(bench.machine.opinion('c', bench.nowMs)?.why).toBe('not reached since this node started')
  })

  it('takes a connection that was announced to close for no evidence', () => {
    const bench = new Bench('a', 'b', 'c')
    bench.run(2_000)
    bench.see({ type: 'message', from: 'b', message: { t: 'parting' } })
    bench.see({ type: 'lost', node: 'b' })
    expect(bench.verdict('b')).not.toBe('dead')
    expect(bench.machine.opinion('b', bench.nowMs)?.votes).toEqual([])
  })

  it('raises its incarnation when it hears that it is suspected, and answers old accusations with its word', () => {
    const bench = new Bench('a', 'b')
    const accusation = {
      kind: 'vote',
      by: 'a',
      about: 'me',
      verdict: 'suspect',
      evidence: 'no-answer',
      silentMs: 500,
      ageMs: 500,
      isWide: true,
      isOneWay: false,
    } as const
    bench.hear('b', { ...accusation, incarnation: { boot: 3, number: 0 }, order: { boot: 1, number: 1 } })
    expect(bench.words().at(-1)?.incarnation).toEqual({ boot: 3, number: 1 })
    bench.hear('b', { ...accusation, incarnation: { boot: 2, number: 7 }, order: { boot: 1, number: 2 } })
    expect(bench.words().at(-1)?.incarnation).toEqual({ boot: 3, number: 1 })
  })

  it('jumps above a word in its name that it did not say, and names a twin that goes on', () => {
    const bench = new Bench('a', 'b')
    const word = { kind: 'alive', by: 'me', about: 'me', nonce: 'other' } as const
    for (let number = 5; number < 12; number += 2) {
      bench.hear('a', { ...word, incarnation: { boot: 4, number } })
      bench.run(100)
    }
    expect(bench.words().at(-1)?.incarnation).toEqual({ boot: 4, number: 10 })
    expect(bench.actions).toContainEqual({ type: 'duplicate', node: 'me' })
  })

  it('names another whose earlier life speaks again after a later one', () => {
    const bench = new Bench('a', 'b')
    const word = { kind: 'alive', by: 'b', about: 'b' } as const
    bench.hear('a', { ...word, nonce: 'one', incarnation: { boot: 1, number: 0 } })
    bench.hear('a', { ...word, nonce: 'two', incarnation: { boot: 2, number: 0 } })
    expect(bench.actions.filter(({ type }) => type === 'duplicate')).toEqual([])
    bench.hear('a', { ...word, nonce: 'one', incarnation: { boot: 2, number: 3 } })
    expect(bench.actions.filter(({ type }) => type === 'duplicate')).toEqual([
      { type: 'duplicate', node: 'b' },
    ])
    expect(bench.machine.opinion('b', bench.nowMs)?.why).toContain('two machines speak with its identity')
  })

  it('calls nobody dead by silence once it is the one that is cut off', () => {
    const bench = new Bench('a', 'b', 'c')
    bench.run(3_000)
    bench.answering.clear()
    bench.run(600_000)
    expect(['a', 'b', 'c'].map((node) => bench.verdict(node))).toEqual(['suspect', 'suspect', 'suspect'])
    expect(bench.machine.isIsolated).toBe(true)
    expect(bench.machine.self(bench.nowMs).why).toContain('0 of the 3 peers')
  })

  it('gives everybody a fresh window when its own clock stood still', () => {
    const bench = new Bench('a', 'b', 'c')
    bench.run(3_000)
    bench.answering.delete('c')
    bench.nowMs += 3_600_000
    bench.see({ type: 'tick' })
    expect(bench.verdict('c')).toBe('alive')
  })

  it('is isolated while its own network is off', () => {
    const bench = new Bench('a', 'b')
    bench.see({ type: 'network', on: false })
    expect(bench.machine.self(bench.nowMs)).toMatchObject({
      verdict: 'isolated',
      why: 'its network is switched off',
    })
    bench.see({ type: 'network', on: true })
    expect(bench.machine.self(bench.nowMs).verdict).toBe('alive')
  })

  it('tells one that answers slowly by its own word', () => {
    const bench = new Bench('a', 'b')
    bench.see({ type: 'message', from: 'a', message: { t: 'probe', number: 1, slow: 5 } })
    bench.answering.delete('a')
    expect(bench.machine.opinion('a', bench.nowMs)).toMatchObject({ slow: true, verdict: 'alive' })
    expect(bench.machine.opinion('a', bench.nowMs)?.why).toContain('slowly')
  })

  it('hangs up on a connection that carries nothing, and dials', () => {
    const bench = new Bench('a', 'b', 'c')
    bench.run(3_000)
    bench.answering.delete('b')
    bench.run(8_000)
    expect(bench.actions.filter(({ type }) => type === 'drop')).toEqual([{ type: 'drop', node: 'b' }])
    expect(bench.actions).toContainEqual({ type: 'dial', node: 'b' })
  })

  it('looks at the port of one that gives no answer, and says so where its host takes connections for nobody', () => {
    const bench = new Bench('a', 'b', 'c')
    bench.run(3_000)
    bench.answering.delete('b')
    bench.run(1_500)
    expect(bench.actions.filter(({ type }) => type === 'knock')).toEqual([{ type: 'knock', node: 'b' }])
    bench.see({ type: 'knocked', node: 'b', answer: 'frozen' })
    const why = (): string | undefined => bench.machine.opinion('b', bench.nowMs)?.why
    expect(why()).toContain('its host takes connections, but the node does not speak')
    bench.run(60_000)
    bench.see({ type: 'dial-failed', node: 'b', failure: 'timeout' })
    expect(why()).toContain('its host takes connections, but the node does not speak')
    // Every so often again, and less and less often.
    const knocks = bench.actions.filter(({ type }) => type === 'knock').length
    expect(knocks).toBeGreaterThanOrEqual(3)
    expect(knocks).toBeLessThanOrEqual(7)
    bench.see({ type: 'knocked', node: 'b', answer: 'silent' })
    expect(why()).toContain('it cannot be reached')
  })

  it('dials at once where nothing listens any more behind a connection that has not noticed', () => {
    const bench = new Bench('a', 'b', 'c')
    bench.run(3_000)
    bench.answering.delete('b')
    bench.run(1_200)
    expect(bench.actions).not.toContainEqual({ type: 'dial', node: 'b' })
    bench.see({ type: 'knocked', node: 'b', answer: 'refused' })
    expect(bench.actions).toContainEqual({ type: 'drop', node: 'b' })
    expect(bench.actions).toContainEqual({ type: 'dial', node: 'b' })
  })

  it('does not knock at a port of its own accord, nor believe a knock about one that it hears', () => {
    const bench = new Bench('a', 'b', 'c')
    bench.run(30_000)
    expect(bench.actions.filter(({ type }) => type === 'knock')).toEqual([])
    bench.see({ type: 'knocked', node: 'b', answer: 'frozen' })
    expect(bench.verdict('b')).toBe('alive')
  })

  it('stays isolated when it finds another that is, and not when that reaches the rest', () => {
    const names = Array.from({ length: 20 }, (_, n) => `n${n}`)
    const bench = new Bench()
    bench.see({ type: 'members', rings: new Rings(['me', ...names]) })
    const { neighbours } = bench.machine
    for (const node of neighbours) {
      bench.answering.add(node)
      bench.see({ type: 'up', node })
      bench.see({ type: 'message', from: node, message: { t: 'summary', digest: 0, missing: null } })
    }
    bench.run(6_000)
    expect(bench.machine.isIsolated).toBe(false)
    bench.answering.clear()
    bench.run(10_000)
    expect(bench.machine.isIsolated).toBe(true)
    const stray = names.find((node) => !neighbours.includes(node)) as string
    bench.answering.add(stray)
    bench.see({ type: 'up', node: stray })
    expect(bench.machine.isIsolated).toBe(true)
    const missing = new Rings(['me', ...names]).neighbours(stray)
    bench.see({ type: 'message', from: stray, message: { t: 'summary', digest: 0, missing } })
    bench.run(1_000)
    expect(bench.machine.isIsolated).toBe(true)
    bench.see({ type: 'message', from: stray, message: { t: 'summary', digest: 0, missing: null } })
    expect(bench.machine.isIsolated).toBe(false)
  })

  it('does not count on a connection with one that it does not probe, when nothing comes through it', () => {
    const names = Array.from({ length: 20 }, (_, n) => `n${n}`)
    const bench = new Bench()
    bench.see({ type: 'members', rings: new Rings(['me', ...names]) })
    for (const node of names) {
      bench.answering.add(node)
      bench.see({ type: 'up', node })
      bench.see({ type: 'message', from: node, message: { t: 'summary', digest: 0, missing: null } })
    }
    bench.run(20_000)
    expect(bench.machine.isIsolated).toBe(false)
    bench.answering.clear()
    bench.run(5_000)
    expect(bench.machine.isIsolated).toBe(true)
  })
})
