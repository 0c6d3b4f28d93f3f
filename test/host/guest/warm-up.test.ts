/** What a thread does while it waits for its app. */
import { describe, expect, it } from 'vitest'
import { wasiParts, warmUp } from '../../../host/guest/inside.ts'
import type { Part, PartContext, ToHost } from '../../../host/guest/index.ts'

type Result = Extract<ToHost, { t: 'result' }>

describe('warming up', () => {
  it('makes every part once, and answers requests and events, each with a fresh instance', async () => {
    const contexts: PartContext[] = []
    const made: string[] = []
    const watched = wasiParts.map((kind) => ({
      name: kind.name,
      create(context: PartContext): Part {
        made.push(kind.name)
        contexts.push(context)
        return kind.create(context)
      },
    }))
    const said = await warmUp(watched)
    expect(made).toEqual(wasiParts.map(({ name }) => name))
    const results = said.filter((message): message is Result => message.t === 'result')
    expect(results).toHaveLength(6)
    for (const [index, { outcome }] of results.entries()) {
      if (index % 2 === 1) expect(outcome).toEqual({ kind: 'ok', value: 1 })
      else expect(outcome).toMatchObject({ kind: 'ok', value: expect.arrayContaining([200]) as unknown })
    }
    expect(said.filter(({ t }) => t === 'post')).toHaveLength(3)
    expect(said.filter(({ t }) => t === 'host-call')).toHaveLength(3)
    // Nothing that a resource of it held is left.
    for (const context of contexts) expect(context.held()).toBe(0)
  })

  it('says nothing but what an app says that works', async () => {
    const kinds = new Set((await warmUp(wasiParts)).map(({ t }) => t))
    expect([...kinds].sort()).toEqual(['host-call', 'loaded', 'post', 'ready', 'result'])
  })

  it('can be done twice, and says the same', async () => {
    const told = (said: readonly ToHost[]): unknown =>
      said.map((message) => (message.t === 'result' ? { ...message, activeMs: 0 } : message))
    expect(told(await warmUp(wasiParts))).toEqual(told(await warmUp(wasiParts)))
  })
})
