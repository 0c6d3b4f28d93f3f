import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeCbor, sign1 } from '../../../core/index.ts'
import { readRelease, releaseLimits, signRelease, type ReleaseRecord } from '../../../mesh/releases/index.ts'
import { fitsPattern } from '../../../mesh/releases/pattern.ts'
import { publisher } from '../identity/harness.ts'
import { releaseRecord } from './harness.ts'

const mesh = 'ab'.repeat(32)
const record = releaseRecord(mesh)
const failing = (code: string) => expect.objectContaining({ code }) as Error

const sized = (sizeBytes: number) => () =>
  signRelease(publisher, { ...record, component: { ...record.component, sizeBytes } })

describe('a release record', () => {
  it('is read back as it was signed', () => {
    const release = readRelease(signRelease(publisher, record))
    expect(release).toMatchObject({
      record,
      publisher: publisher.publicKey,
      runnable: true,
      unknownCritical: [],
    })
  })

  it('may carry arguments of its command and what it may keep, each within bounds', () => {
    const asks = { run: { args: ['--once', ''] }, quotas: { folderBytes: 0, keyValueKeys: 12 } }
    expect(readRelease(signRelease(publisher, { ...record, ...asks })).record).toMatchObject(asks)
    for (const bad of [
      { run: { args: Array<string>(65).fill('') } },
      { run: { args: ['x'.repeat(4_097)] } },
      { run: { args: Array<string>(5).fill('x'.repeat(4_000)) } },
      { run: { args: ['a\0b'] } },
      { quotas: { blobBytes: -1 } },
      { quotas: { folderFiles: 0.5 } },
    ])
      expect(() => signRelease(publisher, { ...record, ...bad })).toThrow(failing('ERR_RELEASE_INVALID'))
  })

  it('may say which WebAssembly features its component uses, sorted and each once', () => {
    const features = ['component-model-async', 'simd']
    expect(readRelease(signRelease(publisher, { ...record, features })).record.features).toEqual(features)
    for (const bad of [
      ['simd', 'gc'],
      ['simd', 'simd'],
      ['SIMD'],
      [''],
      Array.from({ length: 33 }, (_, n) => `f${n + 100}`),
    ])
      expect(() => signRelease(publisher, { ...record, features: bad })).toThrow(
        failing('ERR_RELEASE_INVALID'),
      )
  })

  it('may have variants, each with what it needs, and an older node that passes them over reads the rest', () => {
    const variant = {
      name: 'simd',
      component: record.component,
      features: ['simd'],
      memory: { startBytes: 65_536 },
    }
    const more = { memory: { startBytes: 65_536, maxBytes: 131_072 }, variants: [variant] }
    const read = readRelease(signRelease(publisher, { ...record, ...more }))
    expect(read.record).toMatchObject({ ...record, ...more })
    expect(read.runnable).toBe(true)
    for (const variants of [
      [variant, variant],
      [{ ...variant, name: 'SIMD' }],
      [{ ...variant, features: ['simd', 'gc'] }],
      [{ ...variant, memory: { startBytes: -1 } }],
      [{ name: 'simd' }],
      Array.from({ length: releaseLimits.variants + 1 }, (_, at) => ({ ...variant, name: `v${at}` })),
    ]) {
      const wrong = { ...record, variants } as unknown as ReleaseRecord
      expect(() => signRelease(publisher, wrong)).toThrow(failing('ERR_RELEASE_INVALID'))
    }
  })

  it('is refused for a variant over 64 MiB', () => {
    const component = { ...record.component, sizeBytes: releaseLimits.componentBytes + 1 }
    const variants = [{ name: 'simd', component }]
    expect(() => signRelease(publisher, { ...record, variants })).toThrow(failing('ERR_RELEASE_TOO_LARGE'))
  })

  it('is refused when altered by one byte, at any position', () => {
    const bytes = signRelease(publisher, record)
    fc.assert(
      fc.property(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const altered = bytes.slice()
        altered[at] = (bytes[at] ?? 0) ^ change
        expect(() => readRelease(altered)).toThrow(failing('ERR_RELEASE_SIGNATURE'))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is refused when it was signed for another purpose', () => {
    const bytes = sign1({ purpose: 'receipt', payload: encodeCbor(record), key: publisher })
    expect(() => readRelease(bytes)).toThrow(failing('ERR_RELEASE_SIGNATURE'))
  })

  it('is refused over 64 KiB, before its signature is looked at', () => {
    expect(() => readRelease(new Uint8Array(releaseLimits.recordBytes + 1))).toThrow(
      failing('ERR_RELEASE_TOO_LARGE'),
    )
    const config = Object.fromEntries(Array.from({ length: 40 }, (_, key) => [`k${key}`, 'x'.repeat(2_000)]))
    expect(() => signRelease(publisher, { ...record, config })).toThrow(failing('ERR_RELEASE_TOO_LARGE'))
  })

  it('is refused for a component over 64 MiB, and taken for one just as large', () => {
    expect(sized(64 * 1024 * 1024)).not.toThrow()
    expect(sized(64 * 1024 * 1024 + 1)).toThrow(failing('ERR_RELEASE_TOO_LARGE'))
    const chunks = { digest: mesh, sizeBytes: releaseLimits.chunkListBytes + 1 }
    expect(() => signRelease(publisher, { ...record, component: { ...record.component, chunks } })).toThrow(
      failing('ERR_RELEASE_TOO_LARGE'),
    )
  })

  it.each<[string, object]>([
    ['an app name in upper case', { app: 'Light' }],
    ['an app name that is a path', { app: '../light' }],
    ['an app name of 64 characters', { app: 'a'.repeat(64) }],
    ['number 0', { seq: 0 }],
    ['a number that is no integer', { seq: 1.5 }],
    ['a version that is none', { version: '1' }],
    ['a grant that is none', { grants: ['Sensor light'] }],
    ['grants out of order', { grants: ['sensor:light', 'pin:led'] }],
    ['a grant twice', { grants: ['pin:led', 'pin:led'] }],
    [
      'too many grants',
      { grants: Array.from({ length: 65 }, (_, n) => `pin:${String(n).padStart(3, '0')}`) },
    ],
    ['a trigger without a kind', { triggers: [{ every: 5 }] }],
    ['a trigger with a list in it', { triggers: [{ kind: 'timer', at: [1, 2] }] }],
    ['a configuration that is no text', { config: { threshold: 40 } }],
    ['no memory', { limits: { memoryBytes: 0, deadlineMs: 1 } }],
    ['a digest in upper case', { component: { ...record.component, digest: 'AB'.repeat(32) } }],
    ['an empty component', { component: { ...record.component, sizeBytes: 0 } }],
    ['another format version', { v: 2 }],
    ['a field missing', { groups: undefined }],
    ['a group that is no name', { groups: ['a b'] }],
  ])('is refused with %s', (_, changes) => {
    expect(() => signRelease(publisher, { ...record, ...changes } as ReleaseRecord)).toThrow(
      failing('ERR_RELEASE_INVALID'),
    )
  })

  it('is refused where its payload is no CBOR', () => {
    const bytes = sign1({ purpose: 'release', payload: new Uint8Array([0xff]), key: publisher })
    expect(() => readRelease(bytes)).toThrow(failing('ERR_RELEASE_INVALID'))
  })

  it('names the critical fields that this version does not know, and is not to be run', () => {
    const waves = { ...record, waves: 3, critical: ['limits', 'waves'] }
    const release = readRelease(signRelease(publisher, waves))
    expect(release).toMatchObject({ runnable: false, unknownCritical: ['waves'], record: waves })
    const harmless = readRelease(signRelease(publisher, { ...waves, critical: ['limits'] }))
    expect(harmless.runnable).toBe(true)
  })
})

describe('a pattern', () => {
  it.each([
    ['*', 'anything', true],
    ['*', '', true],
    ['light-*', 'light-alarm', true],
    ['light-*', 'light', false],
    ['sensor:*', 'sensor:light', true],
    ['sensor:*', 'pin:led', false],
    ['*-alarm', 'light-alarm', true],
    ['*-alarm', 'light-alarm-2', false],
    ['a*b*c', 'a-b-b-c', true],
    ['a*b*c', 'a-c-b', false],
    ['uplink', 'uplink', true],
    ['uplink', 'uplinks', false],
    ['', '', true],
    ['', 'a', false],
    ['a.c', 'abc', false],
  ])('%s fits %s: %s', (pattern, text, fits) => {
    expect(fitsPattern(pattern, text)).toBe(fits)
  })

  it('fits what the regular expression of the same meaning fits', () => {
    const word = fc.string({ unit: fc.constantFrom('a', 'b', '*'), maxLength: 8 })
    fc.assert(
      fc.property(word, word, (pattern, text) => {
        const letters = text.replaceAll('*', 'a')
        const expression = new RegExp(`^${pattern.replaceAll('*', '.*')}$`)
        expect(fitsPattern(pattern, letters)).toBe(expression.test(letters))
      }),
      { numRuns: 1_000 },
    )
  })

  it('is answered at once where a backtracking matcher would not end', () => {
    expect(fitsPattern('a*'.repeat(90) + 'b', 'a'.repeat(190))).toBe(false)
  })
})
