import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { confinement, flagsOf } from '../../../host/engine/sandbox/confinement.ts'
import { isReadableByOthers } from '../../../host/readable-by-others.ts'

test('a program is readable by others only where every folder above it lets them through', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'selvedge-readable-'))
  const file = join(folder, 'program.mjs')
  await writeFile(file, '', { mode: 0o644 })
  expect(isReadableByOthers(file)).toBe(false)
  await chmod(folder, 0o755)
  expect(isReadableByOthers(file)).toBe(true)
  await chmod(file, 0o600)
  expect(isReadableByOthers(file)).toBe(false)
  expect(isReadableByOthers(join(folder, 'missing'))).toBe(false)
  await rm(folder, { recursive: true })
})

describe('a sandbox’s process', () => {
  test.each([
    ['24.21.0', 0, 'permission-model', ['--permission']],
    ['23.5.0', 0, 'permission-model', ['--permission']],
    ['22.4.0', 1_000, 'permission-model', ['--experimental-permission', '--no-warnings']],
    ['20.0.0', 0, 'permission-model', ['--experimental-permission', '--no-warnings']],
    ['18.20.8', 0, 'other-user', []],
    ['18.20.8', 1_000, 'none', []],
    ['18.20.8', null, 'none', []],
  ] as const)('of Node.js %s under user %s is confined by %s', (version, uid, kind, flags) => {
    expect(confinement(version, uid)).toMatchObject({ kind, flags })
  })

  test('may read its program and what it was granted, and write only where it may', () => {
    const preopens = [
      { hostPath: '/data', guestPath: '/data', access: 'read-write' as const },
      { hostPath: '/etc/ssl', guestPath: '/ssl', access: 'read' as const },
    ]
    expect(flagsOf(confinement('24.0.0', 0), ['/app/sandbox.mjs'], preopens)).toEqual([
      '--permission',
      '--allow-fs-read=/app/sandbox.mjs',
      '--allow-fs-read=/data/*',
      '--allow-fs-read=/etc/ssl/*',
      '--allow-fs-write=/data/*',
    ])
    expect(flagsOf(confinement('18.20.8', 0), ['/app/sandbox.mjs'], preopens)).toEqual([])
  })
})
