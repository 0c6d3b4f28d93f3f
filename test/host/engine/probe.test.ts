import { describe, expect, it } from 'vitest'
import { supportedFeatures } from '../../../host/engine/index.ts'

describe('what the WebAssembly engine can do', () => {
  it('is found by validation: what every Node from 20 on has is there, in order', () => {
    const features = supportedFeatures()
    expect(features).toEqual([...features].sort())
    expect(features).toEqual(
      expect.arrayContaining(['bulk-memory', 'exceptions', 'simd', 'tail-call', 'threads']),
    )
  })

  it('names jspi exactly where the host may suspend a guest', () => {
    expect(supportedFeatures().includes('jspi')).toBe('Suspending' in WebAssembly)
  })
})
