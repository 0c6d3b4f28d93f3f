import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { useCompileCache } from '../../host/compile-cache.ts'

const uid = process.getuid?.() ?? 0
let home: string
let enabled: string[]
const codeCache = { enableCompileCache: (folder: string) => void enabled.push(folder) }

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'selvedge-compiled-'))
  enabled = []
})
afterEach(() => rmSync(home, { recursive: true, force: true }))

describe.skipIf(process.platform === 'win32')('the cache of compiled code', () => {
  it('lies in a folder of its own that only its owner may read', () => {
    expect(useCompileCache(codeCache, join(home, 'selvedge'), uid)).toBe(true)
    expect(enabled).toEqual([join(home, 'selvedge', 'compiled')])
    expect(statSync(join(home, 'selvedge', 'compiled')).mode & 0o777).toBe(0o700)
  })

  it('is used again where it is there already', () => {
    useCompileCache(codeCache, join(home, 'selvedge'), uid)
    expect(useCompileCache(codeCache, join(home, 'selvedge'), uid)).toBe(true)
  })

  it('is done without where Node.js has none', () => {
    expect(useCompileCache({}, join(home, 'selvedge'), uid)).toBe(false)
  })

  it('is made with the folder for caches in a home that has none yet, and no more than that', () => {
    expect(useCompileCache(codeCache, join(home, '.cache', 'selvedge'), uid)).toBe(true)
    expect(useCompileCache(codeCache, join(home, 'no', 'home', 'selvedge'), uid)).toBe(false)
    expect(readdirSync(home)).toEqual(['.cache'])
  })

  it('is not taken from another user’s home, and nothing is put there', () => {
    expect(useCompileCache(codeCache, join(home, 'selvedge'), uid + 1)).toBe(false)
    expect(useCompileCache(codeCache, join(home, '.cache', 'selvedge'), uid + 1)).toBe(false)
    expect(enabled).toEqual([])
    expect(readdirSync(home)).toEqual([])
  })

  it.each(['.', 'selvedge', 'selvedge/compiled'])('is not taken where anybody may write to %s', (path) => {
    mkdirSync(join(home, 'selvedge', 'compiled'), { recursive: true })
    chmodSync(join(home, path), 0o777)
    expect(useCompileCache(codeCache, join(home, 'selvedge'), uid)).toBe(false)
    expect(enabled).toEqual([])
  })

  it('is not taken where a group may write to it', () => {
    mkdirSync(join(home, 'selvedge', 'compiled'), { recursive: true })
    chmodSync(join(home, 'selvedge', 'compiled'), 0o770)
    expect(useCompileCache(codeCache, join(home, 'selvedge'), uid)).toBe(false)
    chmodSync(join(home, 'selvedge', 'compiled'), 0o700)
    chmodSync(join(home, 'selvedge'), 0o770)
    expect(useCompileCache(codeCache, join(home, 'selvedge'), uid)).toBe(true)
  })

  it('is not taken through a link, or from a file', () => {
    mkdirSync(join(home, 'elsewhere'))
    symlinkSync(join(home, 'elsewhere'), join(home, 'selvedge'))
    expect(useCompileCache(codeCache, join(home, 'selvedge'), uid)).toBe(false)
    writeFileSync(join(home, 'other'), '')
    expect(useCompileCache(codeCache, join(home, 'other'), uid)).toBe(false)
    expect(enabled).toEqual([])
  })

  it('that cannot be opened is no failure', () => {
    const refusing = {
      enableCompileCache: () => {
        throw new Error('disk full')
      },
    }
    expect(useCompileCache(refusing, join(home, 'selvedge'), uid)).toBe(false)
  })
})
