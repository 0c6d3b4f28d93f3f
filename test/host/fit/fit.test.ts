import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  fitted,
  measureCapabilities,
  misfits,
  requirementsOf,
  tierOf,
  whyNot,
  withoutFeatures,
  type Capabilities,
} from '../../../host/fit/index.ts'
import { largestAppBytes, refusalOfSize } from '../../../host/engine/memory-ledger.ts'
import type { ComponentVariant, ReleaseRecord } from '../../../mesh/index.ts'

const mib = 1024 ** 2

function machine(more: Partial<Capabilities> = {}): Capabilities {
  return { arch: 'x64', platform: 'linux', features: ['bulk-memory', 'simd'], ...more }
}

function component(digest: string, sizeBytes = 100): ReleaseRecord['component'] {
  return { digest, sizeBytes, chunks: { digest: `list-${digest}`, sizeBytes: 10 } }
}

function release(more: Partial<ReleaseRecord> = {}): ReleaseRecord {
  const record = {
    app: 'a',
    component: component('own'),
    limits: { memoryBytes: 16 * mib, deadlineMs: 1_000 },
  }
  return { ...record, ...more } as ReleaseRecord
}

const simd: ComponentVariant = { name: 'simd', component: component('simd'), features: ['simd'] }
const wide: ComponentVariant = { name: 'wide', component: component('wide'), features: ['simd', 'threads'] }

const lacking = (record: ReleaseRecord, capabilities: Capabilities): string[] =>
  whyNot(requirementsOf(record), capabilities)

describe('what a machine lacks for a release', () => {
  it('is nothing where it has all features and enough memory', () => {
    const here = machine({ machine: { appMemoryBytes: 16 * mib } })
    expect(lacking(release({ features: ['simd'] }), here)).toEqual([])
  })

  it('is named with the numbers, all at once', () => {
    const record = release({
      features: ['gc', 'simd'],
      placement: { needs: ['arch:arm64', 'bits:64', 'sensor:light'] },
      limits: { memoryBytes: 64 * mib, deadlineMs: 1_000 },
    })
    const here = machine({ arch: 'arm', features: [], machine: { bits: 32, appMemoryBytes: 20.5 * mib } })
    expect(lacking(record, here)).toEqual([
      'feature:gc',
      'feature:simd',
      'arch:arm64',
      'bits:64',
      'memory:64MiB (it can give an app 20MiB)',
    ])
  })

  it('is a feature that this version has never heard of, where the machine does not name it either', () => {
    expect(lacking(release({ features: ['quantum'] }), machine())).toEqual(['feature:quantum'])
    expect(lacking(release({ features: ['quantum'] }), machine({ features: ['quantum'] }))).toEqual([])
  })

  it('counts the limit of memory, or what the modules begin with, in all instances that are kept', () => {
    const of = (more: Partial<ReleaseRecord>): number => requirementsOf(release(more)).memoryBytes
    expect(of({})).toBe(16 * mib)
    expect(of({ memory: { startBytes: mib } })).toBe(16 * mib)
    expect(of({ memory: { startBytes: 20 * mib } })).toBe(20 * mib)
    expect(of({ instances: { min: 0 } })).toBe(16 * mib)
    // Four of 26 MiB with their threads, beside the one that a node has counted in already.
    expect(of({ instances: { min: 4 } })).toBe((4 * 26 - 10) * mib)
    expect(of({ instances: { isolation: 'process' } })).toBe(18 * mib)
    expect(of({ instances: { isolation: 'shared' } })).toBe(16 * mib)
    // A node says no more than can be addressed, whatever it has.
    const vast = { limits: { memoryBytes: 4_096 * mib, deadlineMs: 1_000 } }
    expect(of({ ...vast, instances: { isolation: 'process' } })).toBe(4_096 * mib)
  })

  it('is what the engine would say of a node that the app has to itself', () => {
    const sizes = fc.integer({ min: 1, max: 64 }).map((count) => count * mib)
    const room = fc.integer({ min: 10, max: 400 }).map((count) => count * mib)
    const isolations = fc.constantFrom('worker' as const, 'process' as const)
    fc.assert(
      fc.property(sizes, room, isolations, fc.nat(8), (memoryBytes, appsBytes, isolation, min) => {
        const whole = { appsBytes, budgetBytes: 2 * appsBytes }
        const record = release({ limits: { memoryBytes, deadlineMs: 1_000 }, instances: { isolation, min } })
        const here = machine({ machine: { appMemoryBytes: largestAppBytes(whole) } })
        const refusal = refusalOfSize(whole, 'a', { memoryBytes, isolation, instances: min })
        expect(lacking(record, here).length > 0).toBe(refusal !== null)
      }),
    )
  })

  it('is room for the component, where its owner bounds what components may take', () => {
    const here = machine({ machine: { componentBytes: 50 * 1024 } })
    expect(lacking(release({ component: component('own', 60 * 1024) }), here)).toEqual([
      'disk:61KiB (it has 50KiB for components)',
    ])
  })

  it('is not guessed for a node of before, which says nothing of its memory; its word size follows from its architecture', () => {
    const record = release({ placement: { needs: ['bits:64', 'endian:little', 'memory:64MiB'] } })
    expect(lacking(record, machine())).toEqual([])
    expect(lacking(record, machine({ arch: 'mipsel' }))).toEqual(['bits:64'])
    expect(lacking(record, machine({ arch: 's390x' }))).toEqual(['endian:little'])
  })
})

describe('the choice among variants', () => {
  const record = release({ variants: [wide, simd] })

  it('is the first that fits, the best first, and the component itself where none does', () => {
    const chosen = (features: string[]): string | null => fitted(record, machine({ features })).variant
    expect(chosen(['simd', 'threads'])).toBe('wide')
    expect(chosen(['simd'])).toBe('simd')
    expect(chosen(['threads'])).toBe(null)
  })

  it('puts the chosen component, and what that one needs, in the place of the release’s own', () => {
    const { record: here } = fitted(record, machine())
    expect(here.component.digest).toBe('simd')
    expect(here.features).toEqual(['simd'])
    expect(lacking(here, machine())).toEqual([])
  })

  it('leaves nothing lacking on a machine that can run any one of them', () => {
    const needy = release({ features: ['gc'], variants: [simd] })
    expect(misfits(needy, machine())).toEqual([])
    expect(misfits(needy, machine({ features: [] }))).toEqual(['feature:gc'])
  })

  it('always fits where anything does', () => {
    const names = ['simd', 'gc', 'threads']
    fc.assert(
      fc.property(
        fc.array(fc.subarray(names), { maxLength: 4 }),
        fc.subarray(names),
        fc.subarray(names),
        (variants, own, features) => {
          const some = release({
            features: own,
            variants: variants.map((needs, at) => ({
              name: `v${at}`,
              component: component(`v${at}`),
              features: needs,
            })),
          })
          const here = machine({ features })
          const isAnyable = [own, ...variants].some((needs) => needs.every((need) => features.includes(need)))
          expect(misfits(some, here).length === 0).toBe(isAnyable)
          if (isAnyable) expect(lacking(fitted(some, here).record, here)).toEqual([])
        },
      ),
    )
  })
})

describe('what this node finds out about itself', () => {
  it('leaves out what its owner keeps from apps, and what cannot be had without that', () => {
    expect(withoutFeatures(['component-model-async', 'jspi', 'simd'], ['jspi'])).toEqual(['simd'])
    const { features, machine: found } = measureCapabilities({ features: ['gc', 'simd'], without: ['simd'] })
    expect(features).toEqual(['gc'])
    expect([32, 64]).toContain(found?.bits)
    expect(found?.appMemoryBytes).toBeLessThanOrEqual(found?.memoryBytes ?? 0)
  })

  it('says no bound of the disk where there is none', () => {
    expect(measureCapabilities({ features: [], componentBytes: Infinity }).machine).not.toHaveProperty(
      'componentBytes',
    )
  })

  it.each([
    ['24.1.0', 'x64', ['component-model-async', 'jspi', 'simd'], 1],
    ['24.1.0', 'arm', ['component-model-async', 'jspi', 'simd'], 2],
    ['22.3.0', 'arm64', ['simd'], 2],
    ['20.1.0', 'riscv64', [], 3],
    ['18.20.4', 'arm64', ['simd'], 3],
  ] as const)('Node.js %s on %s with %j is of tier %i', (version, arch, features, tier) => {
    expect(tierOf(version, arch, features)).toBe(tier)
  })
})
