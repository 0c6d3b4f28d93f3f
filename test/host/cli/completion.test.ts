/** The completion scripts, in the shells themselves: what each offers where, with a program that tells names at once. */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { completionScripts, type Shell } from '../../../host/cli/completion/scripts.ts'
import { commands } from '../../../host/cli/commands.ts'

/** Stands for the program: says which names it was asked for, and tells some. */
const program = `#!/bin/sh
echo "$*" >> "$ASKED"
case "$3" in
  app) printf 'thermo\\nthermo-web\\n' ;;
  node) printf 'lobby-1\\ngarage-1\\n' ;;
  function) [ "$4" = thermo ] && printf 'to-fahrenheit\\nwarmest\\n' ;;
  subject) printf 'lobby-1\\nthermo\\n' ;;
esac
exit 0
`

let folder: string
const asked = (): string => readFileSync(join(folder, 'asked'), 'utf8')

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'selvedge-completion-'))
  for (const sub of ['bin', 'zsh', 'home', 'home/things']) mkdirSync(join(folder, sub))
  writeFileSync(join(folder, 'bin', 'selvedge'), program)
  chmodSync(join(folder, 'bin', 'selvedge'), 0o755)
  for (const shell of ['bash', 'zsh', 'fish'] as const)
    writeFileSync(join(folder, `script.${shell}`), completionScripts[shell](commands))
  writeFileSync(join(folder, 'zsh', '_selvedge'), completionScripts.zsh(commands))
  writeFileSync(join(folder, 'home', 'release.toml'), '')
})

afterAll(() => rmSync(folder, { recursive: true, force: true }))

/** Runs a shell in a home of its own. @returns what it wrote; what it complained of is a failure */
function inShell(shell: Shell, args: readonly string[]): string {
  const home = join(folder, 'home')
  const { stdout, stderr, status } = spawnSync(shell, args, {
    cwd: home,
    encoding: 'utf8',
    timeout: 30_000,
    env: {
      PATH: `${join(folder, 'bin')}:${process.env['PATH']}`,
      HOME: home,
      XDG_CONFIG_HOME: join(home, '.config'),
      XDG_DATA_HOME: join(home, '.local'),
      TERM: 'dumb',
      ASKED: join(folder, 'asked'),
    },
  })
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  return stdout
}

/** What each line may go on with. */
type Asker = (lines: readonly string[]) => string[][]

/** As bash does: the words so far, and which of them is completed. */
const askBash: Asker = (lines) => {
  const questions = lines.map((line) => {
    const words = line.split(' ').map((word) => `'${word}'`)
    return `COMP_WORDS=(${words.join(' ')}); COMP_CWORD=${words.length - 1}; COMPREPLY=(); _selvedge
printf '%s\\n' "\${COMPREPLY[@]}"; echo ==`
  })
  return blocks(inShell('bash', ['--norc', '-c', [`. '${folder}/script.bash'`, ...questions].join('\n')]))
}

const askFish: Asker = (lines) => {
  const questions = lines.map((line) => `complete -C '${line}'; echo ==`)
  const script = [`source '${folder}/script.fish'`, ...questions].join('\n')
  return blocks(inShell('fish', ['--no-config', '-c', script])).map((block) =>
    block.map((offer) => offer.split('\t')[0] ?? ''),
  )
}

/** What a zsh at a terminal runs: it completes line after line, and its way of adding matches also writes them down. */
const zshSession = `
PROMPT=
unsetopt autolist automenu
fpath=($AT $fpath)
autoload -Uz compinit
compinit -u -d $AT/dump
compadd() {
  if [[ \${@[1,(i)(-|--)]} == *-(O|A|D)\\ * ]]; then
    builtin compadd "$@"
    return
  fi
  local -a found
  builtin compadd -A found "$@"
  print -rl -- $found >> $AT/offers
  builtin compadd "$@"
}
ask-all() {
  local line
  for line in "\${(@f)$(<$AT/lines)}"; do
    BUFFER=$line
    CURSOR=$#BUFFER
    zle complete-word
    print -r -- '==' >> $AT/offers
  done
  BUFFER=exit
  zle accept-line
}
zle -N zle-line-init ask-all
`

const zshTerminal = `
export AT=$1
zmodload zsh/zpty
zpty session zsh -f -i
zpty -w session "source $AT/session.zsh"
while zpty -r session; do :; done > /dev/null
`

const askZsh: Asker = (lines) => {
  const at = join(folder, 'zsh')
  writeFileSync(join(at, 'session.zsh'), zshSession)
  writeFileSync(join(at, 'lines'), lines.join('\n'))
  writeFileSync(join(at, 'offers'), '')
  inShell('zsh', ['-f', '-c', zshTerminal, 'zsh', at])
  return blocks(readFileSync(join(at, 'offers'), 'utf8'))
}

function blocks(text: string): string[][] {
  return text
    .split(/^==\n/m)
    .slice(0, -1)
    .map((block) => block.split('\n').filter((line) => line !== ''))
}

const shells: readonly [Shell, Asker][] = [
  ['bash', askBash],
  ['zsh', askZsh],
  ['fish', askFish],
]

for (const [shell, ask] of shells) {
  const isHere = spawnSync(shell, ['--version']).status === 0
  describe(`completion in ${shell}`, () => {
    it.skipIf(isHere)(`is not tried here: install ${shell} (apt-get install ${shell})`, () => {})

    it.skipIf(!isHere)('offers commands, their options and values, and live names, each in its place', () => {
      writeFileSync(join(folder, 'asked'), '')
      const lines = [
        'selvedge ca',
        'selvedge tru',
        'selvedge trust re',
        'selvedge call ',
        'selvedge call --node ',
        'selvedge call thermo ',
        'selvedge call --node lobby-1 thermo ',
        'selvedge call --tr',
        'selvedge network o',
        'selvedge service status --manager ',
        'selvedge service status --wat',
        'selvedge why ',
        'selvedge build th',
      ]
      const offers = ask(lines)
      const of = (line: string): string[] => [...new Set(offers[lines.indexOf(line)])].sort()
      const names = (line: string): string[] => of(line).filter((word) => !word.startsWith('-'))
      expect(of('selvedge ca')).toEqual(['call'])
      expect(of('selvedge tru')).toEqual(['trust'])
      expect(of('selvedge trust re')).toEqual(['remove', 'revoke'])
      expect(names('selvedge call ')).toEqual(['thermo', 'thermo-web'])
      expect(names('selvedge call --node ')).toEqual(['garage-1', 'lobby-1'])
      expect(names('selvedge call thermo ')).toEqual(['to-fahrenheit', 'warmest'])
      expect(names('selvedge call --node lobby-1 thermo ')).toEqual(['to-fahrenheit', 'warmest'])
      expect(of('selvedge call --tr')).toEqual(['--trace'])
      expect(of('selvedge network o')).toEqual(['off', 'on'])
      // There is a command `status` of one word too, with other options.
      expect(names('selvedge service status --manager ')).toEqual(['openrc', 'systemd'])
      expect(of('selvedge service status --wat')).toEqual([])
      expect(names('selvedge why ')).toEqual(['lobby-1', 'thermo'])
      expect(of('selvedge build th').map((path) => path.replace(/\/$/, ''))).toEqual(['things'])
      expect(asked()).toContain('completion names function thermo\n')
    })
  })
}
