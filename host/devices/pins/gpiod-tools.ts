/**
 * The programs of libgpiod, through which lines of /dev/gpiochipN are used without an addon. Versions 1 and 2 take
 * different options for the same things, and say them differently.
 */
import { refused, unavailable } from '../advice.ts'
import { shown, shownNames } from '../attribute.ts'
import type { DriverContext } from '../contract.ts'
import { complaint, findProgram, runProgram, type Ran } from '../program.ts'
import type { LineOptions } from './line-options.ts'

const timeoutMs = 3_000
const install = 'run `sudo apt install gpiod`, or write `driver = "sysfs"`'

export type Bias = 'pull-up' | 'pull-down' | 'disabled'

export interface GpiodLine extends LineOptions {
  readonly bias?: Bias | undefined
}

export interface GpiodTools {
  readonly version: 1 | 2
  readonly get: string
  readonly set: string
  readonly monitor: string
  readonly info: string
  /** Whether `gpioset` takes orders: it then holds the line from one level to the next. */
  readonly isInteractive: boolean
  /** `gpiochip0`, found by this name or by its label. */
  readonly chip: string
}

/** @throws ERR_DEVICE_UNAVAILABLE */
export async function findTools(wanted: string, { root }: Pick<DriverContext, 'root'>): Promise<GpiodTools> {
  const [detect = '', get = '', set = '', monitor = '', info = ''] = await Promise.all(
    ['gpiodetect', 'gpioget', 'gpioset', 'gpiomon', 'gpioinfo'].map((name) =>
      findProgram(root, name, install),
    ),
  )
  const version = versionOf((await runProgram(detect, ['--version'], timeoutMs)).stdout)
  const listed = await runProgram(detect, [], timeoutMs)
  if (listed.code !== 0) throw lineFailure('/dev/gpiochip*', listed)
  const help = version === 1 ? '' : (await runProgram(set, ['--help'], timeoutMs)).stdout
  return {
    version,
    get,
    set,
    monitor,
    info,
    isInteractive: help.includes('--interactive'),
    chip: chipOf(wanted, listed.stdout),
  }
}

/** @throws ERR_DEVICE_UNAVAILABLE for a version that is not known */
function versionOf(text: string): 1 | 2 {
  const major = Number(/\bv(\d{1,3})\.\d/.exec(text)?.[1])
  if (major === 1 || major === 2) return major
  throw refused(`gpiodetect says ${shown(text)}, which is no version that is known`, install)
}

/** @param listing lines as `gpiochip0 [pinctrl-bcm2711] (58 lines)` */
export function chipOf(wanted: string, listing: string): string {
  const chips = listing.split('\n').flatMap((line) => {
    const [, name, label] = /^(gpiochip\d{1,5}) \[(.*)\] \(\d+ lines\)/.exec(line) ?? []
    return name === undefined || label === undefined ? [] : { name, label }
  })
  const matching = chips.filter(({ name, label }) => name === wanted || label === wanted)
  const [found, second] = matching
  if (found === undefined) {
    throw refused(
      `no GPIO chip has the label ${wanted}; ${shownNames(chips.map(({ label }) => label))}`,
      'write one of these labels as `chip`; where there is none, this user may not see /dev/gpiochip*: run `sudo usermod -aG gpio USER`',
    )
  }
  if (second === undefined) return found.name
  throw refused(
    `${matching.length} GPIO chips have the label ${wanted}; ${shownNames(matching.map(({ name }) => name))}`,
    'write one of these, which may change at a start',
  )
}

/** Before the line's name, in both versions. */
function common({ version, chip }: GpiodTools, { activeLow, bias }: GpiodLine): string[] {
  const pull =
    bias === undefined ? [] : version === 1 ? ['-B', bias === 'disabled' ? 'disable' : bias] : ['-b', bias]
  return [...(activeLow ? ['-l'] : []), ...pull, ...(version === 1 ? [chip] : ['-c', chip])]
}

/** Reads the level of a line that nobody holds. @param asIs without making an input of it @throws ERR_DEVICE_UNAVAILABLE */
export async function getLevel(tools: GpiodTools, line: GpiodLine, asIs = false): Promise<boolean> {
  const numeric = tools.version === 1 ? [] : ['--numeric', ...(asIs ? ['--as-is'] : [])]
  const ran = await runProgram(tools.get, [...numeric, ...common(tools, line), String(line.line)], timeoutMs)
  const text = ran.stdout.trim()
  if (ran.code !== 0) throw lineFailure(`line ${line.line} of ${line.chip}`, ran)
  if (text !== '0' && text !== '1') throw refused(`gpioget says ${shown(text)}, which is no level`)
  return text === '1'
}

/** Whether somebody holds the line. Of version 1 nothing else tells when it is ours. @throws ERR_DEVICE_UNAVAILABLE */
export async function isUsed(tools: GpiodTools, { line, chip }: GpiodLine): Promise<boolean> {
  const ran = await runProgram(tools.info, [tools.chip], timeoutMs)
  if (ran.code !== 0) throw lineFailure(`the GPIO chip ${chip}`, ran)
  return new RegExp(`^\\s*line\\s+${line}:.*\\[used\\b`, 'm').test(ran.stdout)
}

/** Holds a level until it ends. */
export function setArguments(tools: GpiodTools, line: GpiodLine, level: boolean): string[] {
  const how = tools.version === 1 ? ['--mode=signal'] : [tools.isInteractive ? '--interactive' : '--banner']
  return [...how, ...common(tools, line), assignment(line, level)]
}

export function assignment({ line }: Pick<GpiodLine, 'line'>, level: boolean): string {
  return `${line}=${level ? 1 : 0}`
}

/** Says each edge in a line of its own, as `levelOf` reads it. */
export function monitorArguments(tools: GpiodTools, line: GpiodLine): string[] {
  const how = tools.version === 1 ? ['--line-buffered'] : ['--banner']
  return [...how, '--format=%e', ...common(tools, line), String(line.line)]
}

/** @returns null for a line that tells no edge */
export function levelOf({ version }: Pick<GpiodTools, 'version'>, text: string): boolean | null {
  const [rising, falling] = version === 1 ? ['1', '0'] : ['1', '2']
  if (text.trim() === rising) return true
  return text.trim() === falling ? false : null
}

function lineFailure(what: string, ran: Ran): Error {
  return explained(what, complaint(ran))
}

/** What libgpiod's programs complain of, with what helps. */
export function explained(what: string, words: string): Error {
  const known = {
    'Permission denied': 'EACCES',
    'Operation not permitted': 'EPERM',
    'No such file': 'ENOENT',
    busy: 'EBUSY',
  }
  const code = Object.entries(known).find(([text]) => words.includes(text))?.[1]
  if (code === undefined) return refused(`${what}: ${words}`)
  return unavailable(
    what,
    { code },
    { group: 'gpio', missing: '`gpiodetect` shows the chips that there are' },
  )
}
