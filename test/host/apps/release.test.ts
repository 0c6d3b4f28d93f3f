import { expect, test } from 'vitest'
import { judge } from '../../../host/apps/release.ts'
import { releaseOf } from './fake-engine.ts'
import type { Capabilities } from '../../../host/fit/index.ts'

const devices = { sensors: ['light'], pins: ['led'], folders: ['photos'] }
const machine = (features: readonly string[] = []): Capabilities => ({
  arch: 'x64',
  platform: 'linux',
  features,
  machine: { appMemoryBytes: 64 * 1024 ** 2 },
})
const asynchronous = releaseOf(1, { features: ['component-model-async', 'simd'] }).record

test('a release that names no features may run on any node', () => {
  expect(judge(releaseOf(1).record, devices, machine())).toEqual({ may: 'run' })
})

test('a release may run where the node has every feature that it names', () => {
  expect(judge(asynchronous, devices, machine(['component-model-async', 'jspi', 'simd']))).toEqual({
    may: 'run',
  })
})

test('a node that cannot suspend a guest refuses an asynchronous release before it is fetched, and says what would', () => {
  const verdict = judge(asynchronous, devices, machine(['simd']))
  expect(verdict).toMatchObject({ may: 'never', reason: { code: 'ERR_FEATURE_MISSING' } })
  const { message, hint } = 'reason' in verdict ? verdict.reason : { message: '', hint: '' }
  expect(message).toMatch(/asynchronous \(WASI 0\.3, component-model-async\).*cannot suspend a guest/)
  expect(hint).toMatch(/Node\.js 24/)
})

test('all features that are missing are named at once', () => {
  const verdict = judge(asynchronous, devices, machine())
  expect('reason' in verdict ? verdict.reason.message : '').toMatch(/component-model-async.*lacks simd/)
})

test('a feature that this version does not know is one that the node does not have', () => {
  const verdict = judge(releaseOf(1, { features: ['quantum'] }).record, devices, machine())
  expect(verdict).toMatchObject({ may: 'never', reason: { code: 'ERR_MACHINE_UNFIT' } })
  expect('reason' in verdict ? verdict.reason.message : '').toContain('feature:quantum')
})

test('a release that may take more memory than the node gives an app is refused, with both numbers', () => {
  const limits = { memoryBytes: 256 * 1024 ** 2, deadlineMs: 1_000 }
  const verdict = judge(releaseOf(1, { limits }).record, devices, machine())
  expect(verdict).toMatchObject({ may: 'never', reason: { code: 'ERR_MACHINE_UNFIT' } })
  expect('reason' in verdict ? verdict.reason.message : '').toMatch(/memory:256MiB.*64MiB/)
})

test('a release whose record names an interface that no grant and no node gives is refused before it is fetched', () => {
  const { record } = releaseOf(1, { imports: ['acme:robots/arms@1.0.0'], grants: ['sensor:light'] })
  const verdict = judge(record, devices, machine())
  expect(verdict).toMatchObject({ may: 'never', reason: { code: 'ERR_IMPORTS_REFUSED' } })
  expect('reason' in verdict ? verdict.reason.message : '').toContain('acme:robots/arms@1.0.0')
})

test('denied: a release that imports what it is not granted is refused before it is fetched', () => {
  const imports = ['wasi:keyvalue/store@0.2.0-draft2']
  expect(judge(releaseOf(1, { imports, grants: [], triggers: [] }).record, devices, machine())).toMatchObject(
    {
      may: 'never',
    },
  )
  const granted = releaseOf(1, { imports, grants: ['keyvalue:notes'], triggers: [] }).record
  expect(judge(granted, devices, machine())).toEqual({ may: 'run' })
})

test('what the node itself offers may be imported without a grant', () => {
  const imports = ['wasi:cli/environment@0.2.3', 'wasi:io/streams@0.2.0']
  expect(judge(releaseOf(1, { imports }).record, devices, machine())).toEqual({ may: 'run' })
})

test('a release may run where the node has every folder that it is granted', () => {
  const { record } = releaseOf(1, { grants: ['folder:photos', 'sensor:light'] })
  expect(judge(record, devices, machine())).toEqual({ may: 'run' })
})

test('a release waits for a folder that the node does not have, and says which lines would add it', () => {
  const { record } = releaseOf(1, { grants: ['folder:letters', 'folder:photos'], triggers: [] })
  expect(judge(record, devices, machine())).toEqual({
    may: 'wait',
    reason: {
      code: 'ERR_FOLDER_MISSING',
      message: 'this node has no folder "letters" (its folders are photos)',
      hint: 'add to the node’s TOML, and start it again:\n[folders.letters]\npath = "…"  # and access = "read-write" if it may write',
    },
  })
})

test('devices and folders that are missing are named at once', () => {
  const { record } = releaseOf(1, { grants: ['folder:letters', 'pin:buzzer'], triggers: [] })
  const verdict = judge(record, { ...devices, folders: [] }, machine())
  expect(verdict).toMatchObject({ may: 'wait', reason: { code: 'ERR_PIN_MISSING' } })
  const { message, hint } = 'reason' in verdict ? verdict.reason : { message: '', hint: '' }
  expect(message).toBe(
    'this node has no pin "buzzer" (its pins are led), and no folder "letters" (it has no folders)',
  )
  expect(hint).toMatch(/\[pins\.buzzer\]\ndriver = .*\n\[folders\.letters\]\npath = /)
})
