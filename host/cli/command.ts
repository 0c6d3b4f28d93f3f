/**
 * What a command is. Its table of options is the one source for parsing, `--help` and shell completion; a new
 * command is one file under `commands/` and one line in `commands.ts`.
 */
import type { ControlClient } from '../api/index.ts'
import type { ExitCode, World } from './world.ts'

/**
 * Names that the node is asked for while somebody types; `subject` are nodes and apps, `function` what the app exports that was
 * typed before it.
 */
export const liveNames = ['node', 'app', 'group', 'subject', 'function'] as const
export type LiveNames = (typeof liveNames)[number]

export type Completes = readonly string[] | 'file' | 'folder' | LiveNames

export interface OptionSpec {
  /** `list` may be given several times. */
  readonly kind: 'flag' | 'text' | 'list'
  /** What the value is called in help: `DIR`. Flags have none. */
  readonly value?: string
  readonly short?: string
  readonly help: string
  /** For completion: the values there are, or where they come from. */
  readonly completes?: Completes
}

export type OptionTable = Readonly<Record<string, OptionSpec>>

/** The parsed values of a table: a flag is true or false, a text may be missing, a list may be empty. */
export type OptionValues<Table extends OptionTable> = {
  readonly [Name in keyof Table]: Table[Name]['kind'] extends 'flag'
    ? boolean
    : Table[Name]['kind'] extends 'list'
      ? readonly string[]
      : string | undefined
}

export interface ArgumentSpec {
  /** `APP`, as help shows it. */
  readonly name: string
  readonly required: boolean
  readonly completes?: Completes
}

/** What the parser fills, before a command's table gives it types. */
export type AnyValues = Readonly<Record<string, boolean | string | readonly string[] | undefined>>

export interface CommandContext<Values = AnyValues> {
  readonly world: World
  readonly options: Values
  /** As many as the command has arguments; optional ones may be missing. Behind them the rest, where it takes one. */
  readonly args: readonly string[]
  readonly json: boolean
  /** The data folder: --data, or the default. */
  readonly data: string
  readonly client: ControlClient
  /** All there are, in the order in which help shows them. */
  readonly commands: readonly Command[]
}

interface CommandFacts<Table extends OptionTable> {
  readonly name: string
  readonly summary: string
  /** More than one line for `--help`, where the summary is not enough. */
  readonly details?: string
  readonly arguments?: readonly ArgumentSpec[]
  /**
   * What follows the first argument, options or not, belongs to the program that it names: `ARGS`, as help shows it.
   * The command's own options precede it.
   */
  readonly rest?: string
  /** It takes any number of further arguments: `ARGS…`, as help shows them. Negative numbers among them are no options. */
  readonly more?: string
  readonly options: Table
  /** The schema behind `--json`; null where the command prints no data. */
  readonly json: string | null
  /** True where it finds its node by --data. */
  readonly usesNode: boolean
  /** What it has to do when it is interrupted has a deadline of its own, and is waited for. */
  readonly endsItself?: boolean
  /** Where `--help` with arguments has more to say than without: of the app that is named, say. */
  helpAbout?(context: CommandContext): Promise<ExitCode>
  /** At least one, without the program's name. */
  readonly examples: readonly { readonly line: string; readonly says: string }[]
}

/** A command as the list holds it. */
export interface Command extends CommandFacts<OptionTable> {
  run(context: CommandContext): Promise<ExitCode>
}

/** Declares a command whose `run` knows the types of its own options. */
export function defineCommand<const Table extends OptionTable>(
  command: CommandFacts<Table> & { run(context: CommandContext<OptionValues<Table>>): Promise<ExitCode> },
): Command {
  // Sound because the parser fills `options` from this very table.
  return command as unknown as Command
}

/** The options of every command, and those that come with what it does. */
export function allOptions(command: Command): OptionTable {
  return {
    ...command.options,
    ...(command.usesNode
      ? {
          data: {
            kind: 'text',
            value: 'DIR',
            help: 'the node’s data folder (default: $SELVEDGE_DATA)',
            completes: 'folder',
          } as const,
        }
      : {}),
    ...(command.json === null
      ? {}
      : { json: { kind: 'flag', help: `print ${command.json} as JSON` } as const }),
    help: { kind: 'flag', short: 'h', help: 'show this help' },
  }
}
