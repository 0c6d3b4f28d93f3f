/** What makes a host's results the same as this machine's, and what does not. */
import { describe, expect, it } from 'vitest'
import { compare } from './comparison.ts'
import { differences } from './differences.ts'
import { faultLine } from './fault-line.ts'
import { parseOptions } from './options.ts'
import type { TestResult } from './suite/protocol.ts'

const file = 'test/core/clock.test.ts'
const results = (...list: TestResult[]): ReadonlyMap<string, readonly TestResult[]> => new Map([[file, list]])
const pass = (name: string): TestResult => ({ name, state: 'pass' })
const fail = (name: string): TestResult => ({ name, state: 'fail', message: 'so it went' })
const skip = (name: string): TestResult => ({ name, state: 'skip' })

describe('the results of a host', () => {
  it('are the same where all passes and what is skipped here is skipped there', () => {
    const list = results(pass('a'), skip('b'))
    expect(compare('armhf', list, list)).toMatchObject({ passed: 1, skipped: 1, unexplained: [] })
  })

  it('are not where a test fails, is skipped or did not run', () => {
    const there = results(fail('a'), skip('b'))
    const { unexplained } = compare('armhf', results(pass('a'), pass('b'), pass('c')), there)
    expect(unexplained.map(({ test, message }) => [test, message])).toEqual([
      ['a', 'so it went'],
      ['b', 'skip, here pass'],
      ['c', 'it did not run'],
    ])
  })

  it('are not where a file does not load, or its process died', () => {
    const there = results(pass('a'), fail('(process)'))
    expect(compare('armhf', results(pass('a')), there).unexplained).toHaveLength(1)
  })

  it('are not where this machine itself fails', () => {
    const list = results(fail('a'))
    expect(compare('here', list, list).unexplained).toHaveLength(1)
  })

  it('may run what is skipped here', () => {
    expect(compare('armhf', results(skip('a')), results(pass('a')))).toMatchObject({
      passed: 1,
      unexplained: [],
    })
  })

  it('may differ where it is written down why, on that host only', () => {
    const name = 'SQLite (wasm) > keeps what was put'
    const known = differences.find(({ test }) => test?.test(name))
    if (known === undefined) throw new Error('no host is known to lack SQLite')
    const one = (state: TestResult) => new Map([[known.file, [state]]])
    const [host = ''] = known.hosts
    expect(compare(host, one(pass(name)), one(fail(name))).explained.get(known.why)).toBe(1)
    expect(compare('armhf', one(pass(name)), one(fail(name))).unexplained).toHaveLength(1)
  })
})

describe('the options', () => {
  it('choose hosts and parts by name', () => {
    const { hosts, parts } = parseOptions(['--only', 'armhf,mips64el', '--part=mesh'])
    expect(hosts.map(({ name }) => name)).toEqual(['armhf', 'mips64el'])
    expect(parts).toEqual(['mesh'])
  })

  it('are refused with what there is', () => {
    expect(() => parseOptions(['--only', 'sparc'])).toThrow(/no host sparc; there is arm64/)
    expect(() => parseOptions(['--fast'])).toThrow(/no option --fast/)
    expect(() => parseOptions(['--only'])).toThrow(/--only takes a value/)
  })
})

describe('a fault in the report', () => {
  it('is what was thrown, without the stack and the folders of a machine', () => {
    const said = [
      'it ended with 1: file:///home/me/build/hosts/suite-22213/chunk-UIHOCHIK.mjs:269',
      '      return new SelvedgeError(code, kind, message);',
      '             ^',
      '',
      'SelvedgeError: preparing 10015 bytes failed: Fatal error in , line 0',
      '    at Object.error (file:///home/me/build/hosts/suite-22213/chunk-UIHOCHIK.mjs:269:14)',
    ]
    expect(faultLine(said.join('\n'), '/home/me')).toBe(
      'it ended with 1: SelvedgeError: preparing 10015 bytes failed: Fatal error in , line 0',
    )
  })

  it('names files, and those of this repository by where they are in it', () => {
    const said =
      'test/host/queue.test.ts: a queue: /tmp/selvedge-queue-009QZ9/30/events.app.sqlite: Out of memory'
    expect(faultLine(said, '/srv/it')).toBe(
      'test/host/queue.test.ts: a queue: …/events.app.sqlite: Out of memory',
    )
    expect(faultLine('no /srv/it/build/hosts/armhf: run it, see https://a.b/c/d', '/srv/it')).toBe(
      'no build/hosts/armhf: run it, see https://a.b/c/d',
    )
  })

  it('ends where it becomes long', () => {
    expect(faultLine('x'.repeat(10_000), '/srv/it').length).toBeLessThan(250)
  })
})
