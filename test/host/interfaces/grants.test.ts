import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { canonicalGrants, formatGrant, parseGrant } from '../../../host/interfaces/index.ts'

const grant = fc.record({
  kind: fc.constantFrom('sensor' as const, 'pin' as const, 'folder' as const),
  name: fc.stringMatching(/^[a-z][a-z0-9-]{0,62}$/),
})

describe('a grant', () => {
  it('is the same after it was written and read', () => {
    fc.assert(
      fc.property(grant, (value) => {
        expect(parseGrant(formatGrant(value))).toEqual(value)
      }),
    )
  })

  it('is read exactly as it is written, or refused', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.string().map((name) => `pin:${name}`),
        ),
        (text) => {
          let read: string
          try {
            read = formatGrant(parseGrant(text))
          } catch (error) {
            expect(error).toMatchObject({ code: 'ERR_GRANT' })
            return
          }
          expect(read).toBe(text)
        },
      ),
    )
  })

  it.each([
    ['light', 'it has no colon'],
    ['sensr:light', 'asks for something that no node can give'],
    ['sensor:', 'names no device'],
    ['sensor:Light', 'names no device'],
    ['sensor:light:200ms', 'names no device'],
    ['sensor:*', 'names no device'],
    ['folder:/srv/photos', 'names no folder grant'],
    ['folder:..', 'names no folder grant'],
  ])('is refused: %j', (text, why) => {
    expect(() => parseGrant(text)).toThrow(
      expect.objectContaining({ code: 'ERR_GRANT', message: expect.stringContaining(why) }),
    )
  })

  it('of a misspelt kind is answered with the right one', () => {
    expect(() => parseGrant('sensr:light')).toThrow(expect.objectContaining({ hint: 'write sensor:light' }))
  })

  it('is listed once, in an order that does not depend on how it was written', () => {
    fc.assert(
      fc.property(fc.array(grant), (grants) => {
        const once = canonicalGrants(grants)
        expect(once).toEqual([...new Set(once)].sort())
        expect(canonicalGrants([...grants, ...grants].reverse())).toEqual(once)
      }),
    )
  })
})
