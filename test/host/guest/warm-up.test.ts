/** What a thread does while it waits for its app. */
import { describe, expect, it } from 'vitest'
import { httpPart } from '../../../host/guest/http/index.ts'
import { wasiParts, warmUp } from '../../../host/guest/inside.ts'
import type { Part } from '../../../host/guest/index.ts'

describe('warming up', () => {
  it('makes every part, and answers one request', () => {
    const made: string[] = []
    const answers: unknown[] = []
    const watched = wasiParts.map((kind) => ({
      name: kind.name,
      create(context: Parameters<typeof kind.create>[0]): Part {
        made.push(kind.name)
        const part = kind.create(context)
        if (kind !== httpPart || part.invoke === undefined) return part
        const invoke = part.invoke.bind(part)
        return {
          imports: part.imports,
          invoke: (...args) => {
            const answer = invoke(...args)
            answers.push(answer)
            return answer
          },
        }
      },
    }))
    warmUp(watched)
    expect(made).toEqual(wasiParts.map(({ name }) => name))
    // The guest of the warm-up does not finish its body.
    expect(answers).toEqual([{ t: 'none', why: 'the app did not finish the body of its answer' }])
  })
})
