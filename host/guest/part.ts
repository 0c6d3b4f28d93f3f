/**
 * A part: the half of one or more WIT interfaces that runs inside the sandbox, beside the guest. It gives jco's
 * glue the functions and resource classes that it asks for, and reaches its other half, on the node's side, over
 * the line. One folder each, and one line in the list of parts.
 *
 * An interface of plain functions needs no part: the sandbox makes one call or post of each of them by itself.
 */
import type { ByteSink, ByteSource, Waitable } from './bytes.ts'
import type { Handles } from './handles.ts'
import type { GuestChannel, HostLine } from './line.ts'

/** The functions and classes of one interface, in jco's spelling: camelCase functions, resources as classes. */
export type InterfaceImports = Readonly<Record<string, unknown>>
/** By path without version, `wasi:io/streams`. */
export type GuestImports = Record<string, InterfaceImports>

export type GuestFunction = (...args: unknown[]) => unknown
/** What the glue gives back: interfaces by name with version, and functions exported by themselves. */
export type GuestExports = Readonly<Record<string, GuestFunction | Readonly<Record<string, GuestFunction>>>>

/**
 * What every part is made with. A declared WIT error is thrown as {@link WitError} (its `payload` is the value);
 * anything else that is thrown ends the sandbox.
 */
export interface PartContext {
  readonly line: HostLine
  /** Resources of wasi:io, which other packages hand to the guest. Dropping one closes its source or sink. */
  readonly io: {
    inputStream(source: ByteSource): object
    outputStream(sink: ByteSink): object
    pollable(waitable: Waitable): object
    /** The error resource of a failed stream back to what failed, for `http-error-code` and `filesystem-error-code`. */
    failureOf(error: unknown): unknown
  }
  /**
   * Counts one more resource that the guest holds. @returns what gives it back, once
   * @throws when it holds too many: each costs the sandbox's heap, which must never run full
   */
  hold(): () => void
  /** The same count, for resources that are made with every request and know whether they are gone. */
  readonly handles: Pick<Handles, 'take' | 'giveBack'>
  /** How many are held: an instance with open handles cannot be put back by restoring its memory. */
  held(): number
  readonly settings: PartSettings
  /**
   * Has `run` called when the instance is gone while its process lives on: for what no collector gives back to the
   * machine. It must not ask the node anything then.
   */
  atEnd?(run: () => void): void
}

/** What the node says of the world that the guest sees. */
export interface PartSettings {
  readonly args: readonly string[]
  readonly env: readonly (readonly [string, string])[]
  readonly preopens: readonly Preopen[]
  /** `lines`: standard output becomes lines of the app's log; `piped`: channels to the node, as `selvedge run` has them. */
  readonly stdio: 'lines' | 'piped'
  readonly terminal: { readonly stdin: boolean; readonly stdout: boolean; readonly stderr: boolean }
  readonly lineChars: number
}

export interface Preopen {
  readonly hostPath: string
  readonly guestPath: string
  readonly access: 'read' | 'read-write'
  /** What is put into it is counted with the node; see `filesystem/space.ts`. */
  readonly counted?: boolean
}

export interface Part {
  readonly imports: GuestImports
  /** Of exports that take resources of this part, by path without version: makes the arguments of what the node sent. */
  readonly arguments?: Readonly<Record<string, (args: readonly unknown[]) => unknown[]>>
  /**
   * An invocation that the node makes of this part, which calls the guest: an http request, say.
   * @param channel opens (once) the invocation's own channel; without it nothing is sent
   * @returns the value for the node, a WIT value in size and kind
   */
  invoke?(exports: GuestExports, name: string, args: readonly unknown[], channel: () => GuestChannel): unknown
}

export interface PartKind {
  /** What `BoundInterface.part` names: `wasi:http`. */
  readonly name: string
  create(context: PartContext): Part
}
