/** Of a release with variants each one is patched from the same one of the release before. */
import { expect, it } from 'vitest'
import { silentLog } from '../../core/index.ts'
import { ComponentSource, type ComponentSourceParts } from '../../mesh/component-source.ts'
import type { ComponentRef, ReleaseRecord } from '../../mesh/releases/index.ts'

const ref = (digest: string): ComponentRef => ({
  digest,
  sizeBytes: 100_000,
  chunks: { digest: `list-${digest}`, sizeBytes: 100 },
})

function release(seq: number, own: string, simd?: string): ReleaseRecord {
  const variants = simd === undefined ? {} : { variants: [{ name: 'simd', component: ref(simd) }] }
  const previous = seq === 1 ? null : `r${seq - 1}`
  return { app: 'vision', seq, component: ref(own), previous, ...variants } as ReleaseRecord
}

const first = release(1, 'own1')
const second = release(2, 'own2', 'simd2')
const third = release(3, 'own3', 'simd3')

/** A source on a node that holds these components, and what it asked of patches. */
function sourceWith(...held: string[]): { source: ComponentSource; made: string[]; sought: string[] } {
  const made: string[] = []
  const sought: string[] = []
  const releases = new Map([first, second, third].map((record) => [`r${record.seq}`, { record }]))
  const parts = {
    blobs: {
      readComponent: async () => null,
      holds: async ({ digest }: ComponentRef) => held.includes(digest),
    },
    exchange: { fetch: async () => {} },
    patches: {
      make: async (base: ComponentRef, target: ComponentRef) =>
        void made.push(`${base.digest} → ${target.digest}`),
      seek: (_app: string, _target: ComponentRef, bases: readonly ComponentRef[]) => {
        sought.push(...bases.map(({ digest }) => digest))
        return null
      },
    },
    releases: {
      get: (digest: string) => releases.get(digest) ?? null,
      history: () => [...releases.values()].reverse(),
    },
    log: silentLog,
  } as unknown as ComponentSourceParts
  return { source: new ComponentSource(parts), made, sought }
}

it('a patch is made for each variant, and from the component itself for a variant that is new', async () => {
  const { source, made } = sourceWith()
  await source.prepareFor(third)
  await source.prepareFor(second)
  await source.prepareFor(first)
  expect(made).toEqual(['own2 → own3', 'simd2 → simd3', 'own1 → own2', 'own1 → simd2'])
})

it('a node that runs a variant looks for a patch from the variants that it has, the newest first', async () => {
  const { source, sought } = sourceWith('simd2', 'own1')
  const wanted = { ...third, component: ref('simd3') }
  await source.obtain(wanted, { signal: new AbortController().signal, onProgress: () => {} })
  expect(sought).toEqual(['simd2', 'own1'])
})
