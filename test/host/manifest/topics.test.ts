import { describe, expect, it } from 'vitest'
import { parseManifest, releaseDraft } from '../../../host/manifest/index.ts'
import { readRelease, signRelease } from '../../../mesh/releases/index.ts'
import { releaseRecord } from '../../mesh/releases/harness.ts'
import { keyNamed } from '../../mesh/identity/harness.ts'

const manifest = (more: string): string => `[app]\nname = "till"\nversion = "1.0.0"\n${more}`
const granted = '[grants]\npublish = ["shop/total"]\nsubscribe = ["shop/door"]\n'

describe('the topics of an app', () => {
  it('are granted, declared with how far they go, and heard by a trigger', () => {
    const draft = releaseDraft(
      parseManifest(
        manifest(
          `${granted}[topics."shop/door"]\nscope = "group"\n[topics."shop/total"]\nscope = "mesh"\nkeep = "2h"\n` +
            '[[triggers]]\nkind = "message"\ntopic = "shop/door"\n',
        ),
      ),
    )
    expect(draft.grants).toEqual(['publish:shop/total', 'subscribe:shop/door'])
    expect(draft.topics).toEqual({
      'shop/door': { scope: 'group' },
      'shop/total': { scope: 'mesh', keepMs: 7_200_000 },
    })
    expect(draft.triggers).toEqual([{ kind: 'message', topic: 'shop/door' }])
  })

  it.each([
    ['[topics.other]\nscope = "mesh"\n', /topics: "other" is neither published nor heard/],
    ['[topics."shop/door"]\nscope = "world"\n', /is no scope; write "node", "group" or "mesh"/],
    ['[topics."shop/door"]\n', /scope/],
    ['[topics."shop/door"]\nscope = "mesh"\nkeep = "1s"\n', /out of range/],
    ['[topics."Shop"]\nscope = "mesh"\n', /is no topic/],
    ['[[triggers]]\nkind = "message"\ntopic = "shop/total"\n', /subscribe:shop\/total|not granted/],
  ])('are refused where they are written as %j', (more, why) => {
    let said = ''
    try {
      parseManifest(manifest(`${granted}${more}`))
    } catch (error) {
      const { message, hint } = error as Error & { hint: string }
      said = `${message}; ${hint}`
    }
    expect(said).toMatch(why)
  })

  it('travel in the signed record, and are bounded there', () => {
    const key = keyNamed('publisher')
    const record = releaseRecord('ab'.repeat(32), {
      topics: { 'shop/door': { scope: 'mesh', keepMs: 60_000 } },
    })
    expect(readRelease(signRelease(key, record)).record.topics).toEqual(record.topics)
    const many = Object.fromEntries(
      Array.from({ length: 65 }, (_, at) => [`t${at}`, { scope: 'node' as const }]),
    )
    for (const topics of [many, { 'Not a topic': { scope: 'mesh' } }, { light: { scope: 'far' } }])
      expect(() => signRelease(key, { ...record, topics: topics as typeof record.topics })).toThrow(/topics/)
  })
})
