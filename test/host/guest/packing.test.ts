/** Batches on their way between a node and a sandbox. */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  packToGuest,
  packToHost,
  unpackToGuest,
  unpackToHost,
  type ToGuest,
  type ToHost,
} from '../../../host/guest/index.ts'
import { packAnswer, packCall, unpackAnswer, unpackCall } from '../../../host/guest/http/packing.ts'
import { received } from './http/kit.ts'

const number = fc.nat()
const text = fc.string()
const value = fc.oneof(fc.integer(), text, fc.constant(null), fc.array(fc.integer()), fc.record({ t: text }))
const args = fc.array(value)

const toGuest: fc.Arbitrary<ToGuest> = fc.oneof(
  fc.record({ t: fc.constant('call' as const), call: number, target: text, args }),
  fc.record({
    t: fc.constant('invoke' as const),
    call: number,
    part: text,
    name: text,
    args,
    channel: number,
  }),
  fc.record({ t: fc.constant('reply' as const), n: number, kind: fc.constantFrom('ok', 'err'), value }),
  fc.record({ t: fc.constant('cancel' as const), call: number }),
  fc.record({ t: fc.constant('message' as const), channel: number, value }),
)

const outcome = fc.oneof(
  fc.record({ kind: fc.constant('ok' as const), value }),
  fc.record({ kind: fc.constant('err' as const), payload: value }),
)

const toHost: fc.Arbitrary<ToHost> = fc.oneof(
  fc.record({
    t: fc.constant('result' as const),
    call: number,
    outcome,
    activeMs: fc.double({ min: 0, noNaN: true }),
    memoryBytes: number,
    bytes: number,
    dropped: number,
    channelUsed: fc.boolean(),
  }),
  fc.record({ t: fc.constant('host-call' as const), n: number, id: text, name: text, args }),
  fc.record({ t: fc.constant('post' as const), id: text, name: text, args }),
  fc.record({ t: fc.constant('credit' as const), channel: number, bytes: number }),
)

describe('a batch', () => {
  it('to a guest arrives as it was sent, in its order', () => {
    fc.assert(
      fc.property(fc.array(toGuest), (batch) => {
        expect(unpackToGuest(structuredClone(packToGuest(batch)) as unknown[])).toEqual(batch)
      }),
    )
  })

  it('to the node arrives as it was sent, in its order', () => {
    fc.assert(
      fc.property(fc.array(toHost), (batch) => {
        expect(unpackToHost(structuredClone(packToHost(batch)) as unknown[])).toEqual(batch)
      }),
    )
  })

  it('that ends in the middle of a message is refused', () => {
    fc.assert(
      fc.property(toHost, (message) => {
        const packed = packToHost([message])
        expect(() => unpackToHost(packed.slice(0, -1))).toThrow(/middle of a message/)
      }),
    )
  })

  it('with a message of no known kind is refused', () => {
    expect(() => unpackToHost(['result', 1])).toThrow(/no known kind/)
    expect(() => unpackToHost([99, 1])).toThrow(/no known kind/)
  })
})

const fields = fc.array(fc.tuple(text, text)).map((pairs) => pairs.flat())
const bytes = fc.uint8Array({ maxLength: 100 })

describe('a request', () => {
  it('and its whole answer arrive as they were', () => {
    const body = fc.option(bytes)
    fc.assert(
      fc.property(fields, body, fc.option(fields), (headers, content, trailers) => {
        const call = {
          method: 'PUT',
          path: '/',
          scheme: 'http',
          authority: 'a',
          headers,
          body: content,
        } as const
        expect(unpackCall(packCall(call))).toEqual(call)
        const answer = { t: 'response', status: 201, headers, body: content, trailers } as const
        expect(received(packAnswer(answer))).toEqual(answer)
        if (content === null) return
        const asText = { ...answer, t: 'text', body: Buffer.from(content).toString('latin1') } as const
        expect(received(packAnswer(asText))).toEqual(answer)
      }),
    )
  })

  it('whose body streams is told from one whose body says so', () => {
    const call = {
      method: 'PUT',
      path: '/',
      scheme: 'http',
      authority: 'a',
      headers: [],
      body: 'streamed',
    } as const
    expect(unpackCall(packCall(call)).body).toBe('streamed')
    const answer = { t: 'text', status: 200, headers: [], body: 'streamed', trailers: null } as const
    expect(unpackAnswer(packAnswer(answer))).toMatchObject({ t: 'response', body: 'streamed' })
  })

  it('is not answered with fields that are none', () => {
    for (const packed of [
      [200, null, null, 'x'],
      [200, null, null, 'x', 1],
      [200, null, [1, 2]],
      [200, {}, null],
    ]) {
      expect(() => unpackAnswer(packed)).toThrow(/no known form/)
    }
  })
})
