/** One run of the program: finds the command, gives it what it needs, turns its end into an exit code. */
import { resolve } from 'node:path'
import { isSelvedgeError, nearestName, type Cancel } from '../../core/index.ts'
import { connect } from '../api/index.ts'
import { parseArguments } from './arguments.ts'
import type { AnyValues, Command, CommandContext } from './command.ts'
import { commandGroups, commands } from './commands.ts'
import { commandHelp, groupHelp, overview } from './help.ts'
import { cliProblems } from './problems.ts'
import { renderError } from './render-error.ts'
import { statusOfInterruption, type ExitCode, type World } from './world.ts'

/** @param typed what follows the program's name */
export async function runCli(typed: readonly string[], world: World): Promise<ExitCode> {
  try {
    return await dispatch(typed, world)
  } catch (error) {
    // Ctrl-C is no failure of the command that it ends; nor has that done what it was asked for.
    if (world.signal.aborted && !isSelvedgeError(error)) return statusOfInterruption(world)
    const known = withoutAddresses(error) ?? error
    world.stderr.write(renderError(known, world.stderr.colour))
    return exitCodeOf(known)
  }
}

/** V8 takes the lack of addresses for one of memory: a library that it keeps from loading can say no more. */
function withoutAddresses(error: unknown): Error | null {
  const isOfV8 = error instanceof RangeError && /^WebAssembly\.[\w.]+\(\): .*memory/i.test(error.message)
  return isOfV8 ? cliProblems.error('ERR_ADDRESSES', error.message, { cause: error }) : null
}

async function dispatch(typed: readonly string[], world: World): Promise<ExitCode> {
  const [first, ...rest] = joined(typed)
  if (first === undefined) {
    world.stderr.write(overview(commands, commandGroups))
    return 2
  }
  if (first === '--help' || first === '-h' || first === 'help') return help(rest, world)
  const says = sayingOf(first)
  if (says !== null) return group(first, says, rest, world)
  const command = find(first === '--version' ? 'version' : first)
  const { options, args } = parseArguments(command, rest)
  const isAsked = options.help === true
  const { helpAbout } = command
  if (isAsked && (helpAbout === undefined || args.length === 0)) return help([command.name], world)
  const context = contextOf(world, options, args)
  const work = isAsked && helpAbout !== undefined ? helpAbout(context) : command.run(context)
  return command.endsItself === true ? work : orInterrupted(work, command, world)
}

/** For what a command does about its interruption, such as a last look at the node. */
const lastWordsMs = 1_000

/** Nobody who pressed Ctrl-C waits for an answer that may take minutes. */
async function orInterrupted(
  work: Promise<ExitCode>,
  { usesNode }: Command,
  world: World,
): Promise<ExitCode> {
  const { signal, clock, stderr } = world
  let cancel: Cancel | null = null
  let begin!: () => void
  const interrupted = new Promise<ExitCode>((resolve) => {
    begin = () => {
      cancel = clock.after(lastWordsMs, () => {
        if (usesNode) stderr.write('interrupted; what the node was asked to do may go on there\n')
        resolve(statusOfInterruption(world))
      })
    }
    if (signal.aborted) begin()
    else signal.addEventListener('abort', begin, { once: true })
  })
  try {
    return await Promise.race([work, interrupted])
  } finally {
    ;(cancel as Cancel | null)?.()
    signal.removeEventListener('abort', begin)
  }
}

function contextOf(world: World, options: AnyValues, args: readonly string[]): CommandContext {
  const data = typeof options.data === 'string' ? resolve(world.cwd, options.data) : world.folders.data
  return { world, options, args, json: options.json === true, data, client: connect({ data }), commands }
}

function help(names: readonly string[], world: World): ExitCode {
  const name = joined(names.filter((candidate) => !candidate.startsWith('-')))[0]
  const says = name === undefined ? null : sayingOf(name)
  if (name === undefined) world.stdout.write(overview(commands, commandGroups))
  else world.stdout.write(says === null ? commandHelp(find(name)) : groupHelp(name, says, commands))
  return 0
}

/** What a group is for; null for what is no group. */
function sayingOf(name: string): string | null {
  return Object.hasOwn(commandGroups, name) ? (commandGroups[name] ?? null) : null
}

/** The two words of a command in a group as its name. */
function joined(typed: readonly string[]): readonly string[] {
  const [first = '', second, ...rest] = typed
  if (sayingOf(first) === null || second === undefined || second.startsWith('-')) return typed
  return [`${first} ${second}`, ...rest]
}

/** A group alone does nothing: it is asked about, or it lacks its second word. */
function group(name: string, says: string, rest: readonly string[], world: World): ExitCode {
  const isAsked = rest.includes('--help') || rest.includes('-h')
  world[isAsked ? 'stdout' : 'stderr'].write(groupHelp(name, says, commands))
  return isAsked ? 0 : 2
}

function find(name: string): Command {
  const command = commands.find((candidate) => candidate.name === name)
  if (command !== undefined) return command
  const names = [...commands.map((candidate) => candidate.name), 'help']
  const meant = nearestName(name, names)
  throw cliProblems.error('ERR_UNKNOWN_COMMAND', `there is no command ${name}`, {
    hint: meant === null ? 'see the commands with `selvedge help`' : `did you mean \`selvedge ${meant}\`?`,
  })
}

const exitCodes: Readonly<Record<string, ExitCode>> = {
  ERR_USAGE: 2,
  ERR_UNKNOWN_COMMAND: 2,
  ERR_UNKNOWN_OPTION: 2,
  ERR_RELEASE_OPTION: 2,
  ERR_RUN_OPTION: 2,
  ERR_RUN_ARGUMENTS: 2,
  ERR_NOT_IN_TIME: 3,
}

function exitCodeOf(error: unknown): ExitCode {
  return isSelvedgeError(error) ? (exitCodes[error.code] ?? 1) : 1
}
