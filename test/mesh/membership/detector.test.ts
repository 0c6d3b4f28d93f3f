import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Detector, detectorDefaults, type DetectorEvent } from '../../../mesh/membership/index.ts'

/** A detector with a virtual clock; `run` ticks as the driver does. */
class Watched {
  now = 0
  readonly detector = new Detector(detectorDefaults, 0)

  constructor(members: readonly string[]) {
    this.see({ type: 'members', nodes: members })
    for (const node of members) this.see({ type: 'connected', node })
  }

  see(event: DetectorEvent): void {
    this.detector.handle(event, this.now)
  }

  /** Lets time pass; those in `answering` answer every probe. */
  run(ms: number, answering: readonly string[]): void {
    for (const end = this.now + ms; this.now < end;) {
      this.now += 250
      for (const { node } of this.detector.handle({ type: 'tick' }, this.now)) {
        if (answering.includes(node)) this.see({ type: 'answered', node, rttMs: 3 })
      }
    }
  }

  verdicts(...nodes: string[]): (string | undefined)[] {
    return nodes.map((node) => this.detector.opinion(node)?.verdict)
  }
}

describe('the failure detector', () => {
  it('calls a peer alive that answers its probes, and smooths its round trips', () => {
    const watched = new Watched(['a', 'b'])
    watched.run(10_000, ['a', 'b'])
    expect(watched.verdicts('a', 'b')).toEqual(['alive', 'alive'])
    expect(watched.detector.opinion('a')?.rttMs).toBe(3)
    expect(watched.detector.self().verdict).toBe('alive')
  })

  it('calls a peer dead at once when its connection closed and its host refuses a new one', () => {
    const watched = new Watched(['a', 'b'])
    watched.see({ type: 'disconnected', node: 'a' })
    expect(watched.verdicts('a', 'b')).toEqual(['suspect', 'alive'])
    watched.see({ type: 'dial-failed', node: 'a', failure: 'refused' })
    expect(watched.verdicts('a', 'b')).toEqual(['dead', 'alive'])
    expect(watched.detector.opinion('a')?.why).toContain('refuses the connection')
  })

  it('takes no verdict from a refused port of a node that it never heard', () => {
    const watched = new Watched(['a', 'b'])
    watched.see({ type: 'members', nodes: ['a', 'b', 'c'] })
    watched.see({ type: 'dial-failed', node: 'c', failure: 'refused' })
    expect(watched.verdicts('c')).toEqual(['suspect'])
  })

  it('suspects a silent peer, and calls it dead when the suspicion was not refuted in time', () => {
    const watched = new Watched(['a', 'b'])
    watched.run(detectorDefaults.silenceMs + 500, ['b'])
    expect(watched.verdicts('a', 'b')).toEqual(['suspect', 'alive'])
    watched.run(detectorDefaults.suspicionMs + 500, ['b'])
    expect(watched.verdicts('a', 'b')).toEqual(['dead', 'alive'])
  })

  it('keeps a suspect alive that answers in time', () => {
    const watched = new Watched(['a', 'b'])
    watched.run(detectorDefaults.silenceMs + 500, ['b'])
    watched.see({ type: 'answered', node: 'a', rttMs: 5 })
    watched.run(detectorDefaults.suspicionMs + 500, ['a', 'b'])
    expect(watched.verdicts('a')).toEqual(['alive'])
  })

  it('calls nobody dead by silence once it is the one that is cut off', () => {
    const watched = new Watched(['a', 'b', 'c'])
    watched.run(120_000, [])
    expect(watched.verdicts('a', 'b', 'c')).toEqual(['suspect', 'suspect', 'suspect'])
    expect(watched.detector.self()).toMatchObject({ verdict: 'isolated' })
    expect(watched.detector.self().why).toContain('0 of the 3 peers')
  })

  it('cannot tell a dead host from a cut line with two members: suspect, until its host refuses', () => {
    const watched = new Watched(['a'])
    watched.run(60_000, [])
    expect(watched.verdicts('a')).toEqual(['suspect'])
    watched.see({ type: 'disconnected', node: 'a' })
    watched.see({ type: 'dial-failed', node: 'a', failure: 'refused' })
    expect(watched.verdicts('a')).toEqual(['dead'])
    expect(watched.detector.self().verdict).toBe('alive')
  })

  it('gives everybody a fresh window after this node slept', () => {
    const watched = new Watched(['a', 'b'])
    watched.run(5_000, ['a', 'b'])
    watched.now += 3_600_000
    watched.run(500, [])
    expect(watched.verdicts('a', 'b')).toEqual(['alive', 'alive'])
  })

  it('starts suspicion anew when a majority is back in view', () => {
    const watched = new Watched(['a', 'b', 'c'])
    watched.run(30_000, [])
    watched.see({ type: 'answered', node: 'a', rttMs: 1 })
    watched.see({ type: 'answered', node: 'b', rttMs: 1 })
    watched.run(1_000, ['a', 'b'])
    expect(watched.verdicts('a', 'b', 'c')).toEqual(['alive', 'alive', 'suspect'])
    watched.run(detectorDefaults.suspicionMs + 500, ['a', 'b'])
    expect(watched.verdicts('c')).toEqual(['dead'])
  })

  it('is isolated while its own network is off', () => {
    const watched = new Watched(['a', 'b'])
    watched.see({ type: 'network', on: false })
    expect(watched.detector.self().verdict).toBe('isolated')
    watched.see({ type: 'network', on: true })
    expect(watched.detector.self().verdict).toBe('alive')
  })

  it('never calls a peer dead that answers every probe, whatever else happens', () => {
    const event = fc.oneof(
      fc.record({ type: fc.constant('disconnected' as const), node: fc.constantFrom('b', 'c', 'd') }),
      fc.record({ type: fc.constant('connected' as const), node: fc.constantFrom('b', 'c', 'd') }),
      fc.record({
        type: fc.constant('dial-failed' as const),
        node: fc.constantFrom('a', 'b', 'c', 'd'),
        failure: fc.constantFrom('refused' as const, 'timeout' as const, 'unreachable' as const),
      }),
      fc.record({ type: fc.constant('network' as const), on: fc.boolean() }),
    )
    fc.assert(
      fc.property(
        fc.array(fc.tuple(event, fc.integer({ min: 0, max: 9_000 })), { maxLength: 40 }),
        (events) => {
          const watched = new Watched(['a', 'b', 'c', 'd'])
          for (const [happened, ms] of events) {
            watched.see(happened)
            watched.run(ms, ['a', 'b'])
            expect(watched.detector.opinion('a')?.verdict).not.toBe('dead')
          }
        },
      ),
    )
  })

  it('never calls anybody dead by silence while it reaches half of its peers or less', () => {
    fc.assert(
      fc.property(fc.array(fc.subarray(['a', 'b'], { minLength: 0 }), { maxLength: 20 }), (answering) => {
        const watched = new Watched(['a', 'b', 'c', 'd', 'e'])
        for (const some of answering) watched.run(2_000, some)
        expect(watched.verdicts('a', 'b', 'c', 'd', 'e')).not.toContain('dead')
      }),
    )
  })
})
