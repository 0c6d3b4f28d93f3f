/**
 * wasi:cli 0.2 as its WIT says it: environment, exit, stdio and terminals. The shim's exit ends the process that
 * asks, its streams are those of the tests' own process, and its terminals are always there: those cases are ours.
 */
import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { GuestExit } from '../../../host/guest/ends.ts'
import { Bench, drop, outcome, ours, subjects, utf8, type Resource } from './subjects.ts'

describe.each(subjects)('the environment of $name', (subject) => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_]{0,12}$/)

  it('is the names and values that were given, in their order, whatever is in them', () => {
    const variables = fc.uniqueArray(fc.tuple(name, fc.string({ unit: 'grapheme' })), {
      selector: ([key]) => key,
    })
    fc.assert(
      fc.property(variables, (env) => {
        const { getEnvironment } = subject.open({ env })('wasi:cli/environment')
        expect(getEnvironment!()).toEqual(env)
      }),
    )
  })

  it('has the arguments, also empty ones', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'grapheme' })), (args) => {
        expect(subject.open({ args })('wasi:cli/environment')['getArguments']!()).toEqual(args)
      }),
    )
  })
})

describe('wasi:cli of ours', () => {
  it('has no initial directory: a guest starts at its preopens', () => {
    expect(ours.open()('wasi:cli/environment')['initialCwd']!()).toBeUndefined()
  })

  it.each([
    ['exit', { tag: 'ok', val: undefined }, 0],
    ['exit', { tag: 'err', val: undefined }, 1],
    ['exitWithCode', 0, 0],
    ['exitWithCode', 255, 255],
  ])('%s(%o) ends the guest with %i', (call, status, code) => {
    const exit = ours.open()('wasi:cli/exit')[call]!
    expect(() => exit(status)).toThrow(expect.objectContaining({ code }) as GuestExit)
    expect(() => exit(status)).toThrow(GuestExit)
  })

  it('has one output, however often it is asked for, also after it was dropped', () => {
    const bench = new Bench()
    const say = (words: string): void => {
      const stream = bench.interface('wasi:cli/stdout')['getStdout']!() as Resource
      stream['blockingWriteAndFlush']!(utf8(words))
    }
    say('one, ')
    say('two\n')
    const first = bench.interface('wasi:cli/stdout')['getStdout']!() as Resource
    drop(first)
    say('three\n')
    expect(bench.lines).toEqual(['stdout: one, two', 'stdout: three'])
  })

  it('keeps output and errors apart', () => {
    const bench = new Bench()
    for (const [path, get] of [
      ['wasi:cli/stdout', 'getStdout'],
      ['wasi:cli/stderr', 'getStderr'],
    ] as const) {
      const stream = bench.interface(path)[get]!() as Resource
      stream['blockingWriteAndFlush']!(utf8('half '))
    }
    for (const [path, get] of [
      ['wasi:cli/stderr', 'getStderr'],
      ['wasi:cli/stdout', 'getStdout'],
    ] as const) {
      const stream = bench.interface(path)[get]!() as Resource
      stream['blockingWriteAndFlush']!(utf8('whole\n'))
    }
    expect(bench.lines).toEqual(['stderr: half whole', 'stdout: half whole'])
  })

  it('has an input that is at its end where nobody types', () => {
    const stdin = ours.open()('wasi:cli/stdin')['getStdin']!() as Resource
    expect(outcome(() => stdin['blockingRead']!(1n))).toEqual({ err: { tag: 'closed' } })
    expect((stdin['subscribe']!() as Resource)['ready']!()).toBe(true)
  })

  it.each([
    ['stdin', 'getTerminalStdin'],
    ['stdout', 'getTerminalStdout'],
    ['stderr', 'getTerminalStderr'],
  ] as const)('says that %s is a terminal where it is one, and only there', (stream, get) => {
    const none = { stdin: false, stdout: false, stderr: false }
    const on = new Bench({ terminal: { ...none, [stream]: true } })
    const terminal = on.interface(`wasi:cli/terminal-${stream}`)[get]!() as Resource
    expect(on.held).toBe(1)
    drop(terminal)
    expect(on.held).toBe(0)
    const off = new Bench({ terminal: { stdin: true, stdout: true, stderr: true, [stream]: false } })
    expect(off.interface(`wasi:cli/terminal-${stream}`)[get]!()).toBeUndefined()
  })
})
