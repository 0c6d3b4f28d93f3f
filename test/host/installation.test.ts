import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { installationFault, loadFault, markOf, nodeFault } from '../../host/installation.ts'
import { cliProblems } from '../../host/cli/index.ts'

describe('a Node.js', () => {
  it.each(['18.20.0', '18.21.1', '20.0.0', '26.1.0', '24.0.0-nightly'])('%s will do', (version) => {
    expect(nodeFault(version, '/usr/bin/node')).toBe(null)
  })

  it.each(['12.22.12', '14.21.3', '16.20.2', '18.19.1'])(
    '%s is too old, and it is said which one',
    (version) => {
      const fault = nodeFault(version, '/opt/old/node')
      expect(fault?.code).toBe('ERR_NODE_TOO_OLD')
      expect(fault?.what).toBe(`selvedge needs Node.js 18.20 or later, and /opt/old/node is ${version}`)
    },
  )
})

describe('an installation', () => {
  let folder: string
  const build = '0123456789abcdef'
  const put = (name: string, text: string): void => writeFileSync(join(folder, name), text)
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'selvedge-installation-'))
    const text = `run()\n${markOf(build)}`
    put('worker.mjs', text)
    put('chunk-ABC.mjs', 'chunk')
    const files = { 'worker.mjs': text.length, 'chunk-ABC.mjs': 5 }
    put('build.json', JSON.stringify({ build, files, marked: ['worker.mjs'] }))
  })
  afterEach(() => rmSync(folder, { recursive: true }))
  const what = (): string | undefined => installationFault(folder)?.what

  it('is fine where every file of one build is there, whatever else lies beside them', () => {
    put('chunk-of-before.mjs', '')
    expect(what()).toBeUndefined()
  })

  it('names what is missing', () => {
    rmSync(join(folder, 'chunk-ABC.mjs'))
    expect(what()).toMatch(/chunk-ABC\.mjs is missing$/)
    rmSync(join(folder, 'build.json'))
    expect(what()).toMatch(/build\.json, which lists its files, cannot be read$/)
  })

  it('tells a file of another build, of the same size or not', () => {
    put('worker.mjs', `run()\n${markOf('fedcba9876543210')}`)
    expect(what()).toMatch(/worker\.mjs is of another build than the files beside it$/)
    put('worker.mjs', `run(1)\n${markOf('fedcba9876543210')}`)
    expect(what()).toMatch(/worker\.mjs is of another build than the files beside it$/)
  })

  it('tells a file that was cut short, as a full disk does', () => {
    truncateSync(join(folder, 'worker.mjs'), 9)
    expect(what()).toMatch(/worker\.mjs has 9 bytes, not the 31 that were built$/)
    truncateSync(join(folder, 'worker.mjs'), 0)
    expect(what()).toMatch(/worker\.mjs has 0 bytes/)
  })

  it('is refused with codes that `selvedge explain` knows', () => {
    rmSync(join(folder, 'worker.mjs'))
    const home = loadFault({ syscall: 'uv_os_homedir' })
    for (const fault of [installationFault(folder), nodeFault('16.0.0', 'node'), home])
      expect(Object.keys(cliProblems.problems)).toContain(fault?.code)
  })
})

it('a program that is whole and does not load says why in a line', () => {
  const gone = Object.assign(new Error('ENOENT: no such file or directory, uv_cwd'), { syscall: 'uv_cwd' })
  expect(loadFault(gone).what).toBe('the folder that selvedge was started in is not there any more')
  expect(loadFault(new SyntaxError('Unexpected token\n  at x')).what).toMatch(
    /not whole: it does not load: Unexpected token$/,
  )
  expect(loadFault(undefined).what).toMatch(/does not load: undefined$/)
})
