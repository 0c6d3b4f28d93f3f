/**
 * What a service is, whoever manages it: a few files, and the commands that make a manager take notice.
 *
 * Managers only describe; `install.ts` does, and takes back what it did when something fails. A new manager is one file
 * and one line in `managers.ts`.
 */
import type { Machine } from './machine.ts'

/** Of the whole machine, or of one person who is logged in. */
export type ServiceScope = 'system' | 'user'

/** What is to run. Paths are absolute. */
export interface ServiceOrder {
  readonly scope: ServiceScope
  /** Where settings are: `/etc`, or the person's `~/.config`. */
  readonly settings: string
  /** The Node.js that runs it. */
  readonly node: string
  /** `dist/selvedge.mjs`. */
  readonly program: string
  readonly config: string
  readonly data: string
  readonly keys: string
  /** Whom it runs as; null for the person who installs it. */
  readonly user: string | null
  /** Further words for `up`, as `--join TOKEN`: kept in a file that only its owner can read. */
  readonly words: readonly string[]
}

export interface ServiceFile {
  readonly path: string
  readonly text: string
  readonly mode: number
  /** Written where it is missing alone: what a person put into it stays. */
  readonly isKept?: boolean
  /**
   * What becomes of a text that is there, for a file that is a person's too.
   * @throws ERR_SERVICE_WORD
   */
  merged?(there: string): string
}

/** A command line without a shell. */
export type CommandLine = readonly [program: string, ...args: string[]]

/** Something that is run, and what takes it back. */
export interface Step {
  readonly run: CommandLine
  readonly undo?: CommandLine
  /** A path: where it is there, nothing is taken back. */
  readonly undoUnless?: string
}

/** How it stands with a service. */
export interface ServiceState {
  readonly isEnabled: boolean
  readonly state: 'running' | 'starting' | 'stopped' | 'failed'
  /** How often it ended and was started again; null where the manager does not count. */
  readonly restarts: number | null
}

/** What an installation finds, and leaves behind where it fails. */
interface ServiceBefore {
  readonly isEnabled: boolean
  readonly isRunning: boolean
}

export interface ServiceManager {
  readonly name: string
  /** True where it runs this machine now. */
  isHere(machine: Machine): boolean
  /** Why it cannot have a service of this scope; null where it can. */
  unfit(scope: ServiceScope): string | null
  /** Files of the service itself; each holds {@link ownMark}. The first is what the manager knows it by. */
  files(order: ServiceOrder): readonly ServiceFile[]
  /** Folders that what runs in a service of this scope cannot see, whatever their modes. */
  hidden(scope: ServiceScope): readonly string[]
  /** Where else a service of this name may be, which a package brought. */
  packaged(scope: ServiceScope): readonly string[]
  /** Makes the manager read the files, start the service, and start it with the machine; for one that runs, anew. */
  start(scope: ServiceScope, before: ServiceBefore): readonly Step[]
  stop(scope: ServiceScope): readonly CommandLine[]
  /** After the files are gone. */
  forget(scope: ServiceScope): readonly CommandLine[]
  stateOf(machine: Machine, scope: ServiceScope): Promise<ServiceState>
  /** How a person reads what the service said. */
  logCommand(scope: ServiceScope): CommandLine
}

export const serviceName = 'selvedge'
/** The user that it runs as. */
export const serviceUser = 'selvedge'

/** What is in every file of ours: without it a file is somebody else's, and left alone. */
export const ownMark = 'selvedge service install'

/** Groups that boards give their devices to; a service's user joins those that there are. */
export const deviceGroups = ['gpio', 'i2c', 'spi', 'dialout', 'iio'] as const
