import { spawnSync } from 'node:child_process'
import { describe, expect, it } from 'vitest'
import { commandGroups, commands } from '../../../host/cli/commands.ts'
import { allOptions } from '../../../host/cli/command.ts'
import { version } from '../../../host/version.ts'
import { run } from './fake-world.ts'

const names = commands.map(({ name }) => name)

describe('help', () => {
  it('names every command', async () => {
    const { code, stdout } = await run('help')
    expect(code).toBe(0)
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    for (const name of names.map((each) => each.split(' ')[0])) {
      expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
    }
    expect((await run('--help')).stdout).toBe(stdout)
    await expect(stdout).toMatchFileSnapshot('goldens/help.txt')
  })

  it.each(names)('of %s fits 80 columns, shows every option and at least one example', async (name) => {
    const { code, stdout, stderr } = await run([...name.split(' '), '--help'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const command = commands.find((candidate) => candidate.name === name)
    for (const option of Object.keys(command === undefined ? {} : allOptions(command)))
      expect(stdout).toContain(`--${option}`)
    expect(stdout).toMatch(new RegExp(`^examples:\n  selvedge ${name}`, 'm'))
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80)
    expect((await run(['help', ...name.split(' ')])).stdout).toBe(stdout)
    await expect(stdout).toMatchFileSnapshot(`goldens/help-${name.replace(' ', '-')}.txt`)
  })

  it.each(Object.keys(commandGroups))(
    'of the group %s names its commands, each with what it does',
    async (group) => {
      const { code, stdout, stderr } = await run([group, '--help'])
      expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
      for (const name of names.filter((each) => each.startsWith(`${group} `)))
        expect(stdout).toMatch(new RegExp(`^  ${name} +\\S`, 'm'))
      expect(await run(group)).toEqual({ code: 2, stdout: '', stderr: stdout })
      expect((await run(['help', group])).stdout).toBe(stdout)
      const { code: unknown, stderr: said } = await run([group, 'shwo'])
      expect(unknown).toBe(2)
      expect(said).toContain(`there is no command ${group} shwo`)
    },
  )

  it('every command has a name of its own, and options that do not collide', () => {
    expect(new Set(names).size).toBe(names.length)
    for (const command of commands) {
      const shorts = Object.values(allOptions(command)).flatMap(({ short }) => short ?? [])
      expect(new Set(shorts).size).toBe(shorts.length)
    }
  })
})

it('the version is the package’s', async () => {
  expect((await run('--version')).stdout).toContain(`selvedge ${version} `)
  expect(JSON.parse((await run('version --json')).stdout)).toMatchObject({
    schema: 'selvedge.version/1',
    version,
    node: process.versions.node,
  })
})

describe('completion', () => {
  it.each(['bash', 'zsh', 'fish'])('for %s knows every command and option', async (shell) => {
    const { code, stdout } = await run(['completion', shell])
    expect(code).toBe(0)
    for (const command of commands) {
      expect(stdout).toContain(command.name)
      for (const option of Object.keys(allOptions(command))) expect(stdout).toContain(option)
    }
  })

  const hasBash = spawnSync('bash', ['--version']).status === 0

  it.skipIf(!hasBash)(
    'for bash completes commands, options and words (skipped where there is no bash)',
    async () => {
      const { stdout } = await run('completion bash')
      const complete = (...words: string[]): string[] => {
        const script = `${stdout}
        COMP_WORDS=(selvedge ${words.map((word) => `'${word}'`).join(' ')})
        COMP_CWORD=${words.length}
        selvedge() { echo "asked:$*"; }
        _selvedge
        printf '%s\\n' "\${COMPREPLY[@]}"`
        const { stdout: answer, stderr } = spawnSync('bash', ['-c', script], { encoding: 'utf8' })
        expect(stderr).toBe('')
        return answer.split('\n').filter(Boolean)
      }
      expect(complete('sta')).toEqual(['status'])
      expect(complete('status', '--w')).toEqual(['--watch'])
      expect(complete('network', 'o')).toEqual(['on', 'off'])
      expect(complete('up', '--name', '')).toEqual([])
      expect(complete('tru')).toEqual(['trust'])
      expect(complete('trust', 'add-p')).toEqual(['add-publisher'])
      expect(complete('trust', 'revoke', 'pub')).toEqual(['publisher'])
      expect(complete('trust', 'log', '--f')).toEqual(['--follow'])
      const names = ['asked:completion', 'names', 'function', 'thermo']
      const asked = (...words: string[]): string[] =>
        complete('call', ...words).filter((word) => !word.startsWith('-'))
      expect(asked('')).toEqual(['asked:completion', 'names', 'app'])
      expect(asked('thermo', '')).toEqual(names)
      expect(asked('--node', 'x', 'thermo', '--trace', '')).toEqual(names)
      expect(asked('thermo', 'to-fahrenheit', '')).toEqual([])
    },
  )
})
