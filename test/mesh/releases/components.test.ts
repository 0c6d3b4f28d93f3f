import { describe, expect, it } from 'vitest'
import { componentsOf, counterpartOf, type ComponentRef } from '../../../mesh/releases/index.ts'

const ref = (digest: string): ComponentRef => ({
  digest,
  sizeBytes: 100,
  chunks: { digest: `list-${digest}`, sizeBytes: 10 },
})
const plain = { component: ref('plain') }
const both = { component: ref('own'), variants: [{ name: 'simd', component: ref('simd') }] }

describe('the components of a release', () => {
  it('are its own and those of its variants', () => {
    expect(componentsOf(plain)).toEqual([ref('plain')])
    expect(componentsOf(both)).toEqual([ref('own'), ref('simd')])
  })

  it('each have one in another release: of the same name, else that release’s own', () => {
    const newer = { component: ref('own2'), variants: [{ name: 'simd', component: ref('simd2') }] }
    expect(counterpartOf(newer, ref('simd2'), both)).toEqual(ref('simd'))
    expect(counterpartOf(newer, ref('own2'), both)).toEqual(ref('own'))
    expect(counterpartOf(newer, ref('simd2'), plain)).toEqual(ref('plain'))
    expect(counterpartOf(newer, ref('other'), both)).toBe(null)
  })
})
