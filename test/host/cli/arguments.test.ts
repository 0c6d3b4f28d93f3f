import { describe, expect, it } from 'vitest'
import * as fc from 'fast-check'
import { run } from './fake-world.ts'

describe('what is typed wrong', () => {
  it.each([
    ['statsu', 'ERR_UNKNOWN_COMMAND', 'selvedge status'],
    ['pubish', 'ERR_UNKNOWN_COMMAND', 'selvedge publish'],
    ['xylophone', 'ERR_UNKNOWN_COMMAND', 'selvedge help'],
    ['status --wach', 'ERR_UNKNOWN_OPTION', '--watch'],
    ['up --no-mnds', 'ERR_UNKNOWN_OPTION', '--no-mdns'],
    ['up --grup lobby', 'ERR_UNKNOWN_OPTION', '--group'],
    ['status -x', 'ERR_UNKNOWN_OPTION', 'selvedge status --help'],
    ['status --watch=yes', 'ERR_USAGE', 'selvedge status --help'],
    ['status lobby-1', 'ERR_USAGE', 'selvedge status --help'],
    ['status --data', 'ERR_USAGE', 'selvedge status --help'],
    ['status --data --watch', 'ERR_USAGE', 'selvedge status --help'],
    ['status --data a --data b', 'ERR_USAGE', 'selvedge status --help'],
    ['up --name=', 'ERR_USAGE', 'selvedge up --help'],
    ['releases', 'ERR_USAGE', 'selvedge releases --help'],
    ['network maybe', 'ERR_USAGE', 'selvedge network --help'],
    ['logs app --tail many', 'ERR_USAGE', 'selvedge logs --help'],
    ['logs app --tail 100000', 'ERR_USAGE', 'selvedge logs --help'],
    ['publish --timeout never', 'ERR_USAGE', 'selvedge publish --help'],
    ['publish --timeout 0', 'ERR_USAGE', 'selvedge publish --help'],
    ['invite --expires 90d', 'ERR_USAGE', 'selvedge invite --help'],
    ['completion tcsh', 'ERR_USAGE', 'selvedge completion --help'],
    ['help statsu', 'ERR_UNKNOWN_COMMAND', 'selvedge status'],
    ['status --__proto__', 'ERR_UNKNOWN_OPTION', 'selvedge status --help'],
  ])('`%s` is refused with %s and points to %s', async (line, code, hint) => {
    const result = await run(line)
    expect(result).toMatchObject({ code: 2, stdout: '' })
    expect(result.stderr).toContain(`error[${code}]: `)
    expect(result.stderr.split('\n').at(-2)).toMatch(/^hint: /)
    expect(result.stderr).toContain(hint)
  })

  it('nothing at all shows what there is, and is no answer', async () => {
    const result = await run('')
    expect(result.code).toBe(2)
    expect(result.stdout).toBe('')
    expect(result.stderr).toContain('usage: selvedge COMMAND')
  })

  it('whatever is typed ends with an exit code and never with a thrown error', async () => {
    const word = fc.oneof(
      fc.string({ maxLength: 12 }),
      fc.constantFrom(
        '--json',
        '--help',
        '-h',
        '--',
        '-',
        '--data',
        '--data=',
        '--no-',
        '-fx',
        'status',
        '🧵',
      ),
    )
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('releases', 'logs', 'status', 'network'),
        fc.array(word, { maxLength: 5 }),
        async (name, words) => {
          const { code, stderr, stdout } = await run([name, ...words])
          expect([0, 1, 2]).toContain(code)
          expect(code === 0 ? stdout : stderr).not.toBe('')
        },
      ),
      { numRuns: 300 },
    )
  })
})

describe('help', () => {
  it('an option’s value may follow it or be joined to it, and -- ends the options', async () => {
    for (const line of ['explain ERR_USAGE', 'explain -- ERR_USAGE', 'explain err_usage', 'explain usage']) {
      expect((await run(line)).stdout).toMatch(/^ERR_USAGE\n/)
    }
    for (const line of ['status --data /nowhere/else', 'status --data=/nowhere/else']) {
      expect((await run(line)).stderr).toContain('/nowhere/else/control.sock')
    }
  })

  it('a relative data folder counts from where the command is run', async () => {
    expect((await run('status --data node-1', { cwd: '/nowhere/here' })).stderr).toContain(
      '/nowhere/here/node-1/control.sock',
    )
  })
})
