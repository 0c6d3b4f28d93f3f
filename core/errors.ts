/**
 * Errors with a stable code, and the tables they come from.
 *
 * Every folder that can refuse something declares its problems once with {@link defineProblems}; the host
 * gathers those tables into one registry that feeds errors, `status`, `doctor` and the documentation.
 * Callers match on `code`, never on text.
 */

/** Who can do something about it: the person who called, this machine, or another node. */
export type ProblemKind = 'user' | 'system' | 'remote'

/** One row of a problem table. `fix` says what to do next, in the imperative. */
export interface Problem {
  readonly kind: ProblemKind
  /** What the problem is in general; the thrown message says what happened in particular. */
  readonly text: string
  readonly fix: string
}

/** As the registry of all folders lists it. */
export interface RegisteredProblem extends Problem {
  readonly code: string
}

export interface ErrorDetails {
  /** Overrides the table's `fix` where the particular case knows better. */
  readonly hint?: string
  readonly cause?: unknown
}

/** An error that a person may see: `error[code]: message`, then `hint: hint`. */
export class SelvedgeError extends Error {
  override readonly name = 'SelvedgeError'
  readonly code: string
  readonly kind: ProblemKind
  readonly hint: string

  constructor(code: string, kind: ProblemKind, message: string, hint: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.code = code
    this.kind = kind
    this.hint = hint
  }
}

/** A table of problems, and the one way to make an error from a row of it. */
export interface ProblemTable<Code extends string> {
  readonly problems: Readonly<Record<Code, Problem>>
  /** Makes (does not throw) the error `code`, saying what happened in this case. */
  error(code: Code, message: string, details?: ErrorDetails): SelvedgeError
}

/**
 * Declares the problems of one folder.
 * @param problems rows by code; codes start with `ERR_` and never change once released.
 */
export function defineProblems<Code extends string>(
  problems: Readonly<Record<Code, Problem>>,
): ProblemTable<Code> {
  return {
    problems,
    error(code, message, details = {}) {
      const { kind, fix } = problems[code]
      return new SelvedgeError(code, kind, message, details.hint ?? fix, details.cause)
    },
  }
}

/** True for an error of ours, optionally with one of the given codes. */
export function isSelvedgeError(error: unknown, ...codes: string[]): error is SelvedgeError {
  return error instanceof SelvedgeError && (codes.length === 0 || codes.includes(error.code))
}

/** The message of anything that was thrown, for a log line or a `cause` in words. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
