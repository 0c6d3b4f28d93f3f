/** What the runner of a suite is told, and what it says. */

export interface SuiteJob {
  readonly kind: 'tests'
  /** The checkout. */
  readonly root: string
  /** Below it, in the order in which they run. */
  readonly files: readonly string[]
  /** For a test or hook without a limit of its own. */
  readonly testMs: number
}

export interface FiguresJob {
  readonly kind: 'figures'
  /** The file of light-alarm. */
  readonly component: string
}

export interface TestResult {
  /** With the titles of those around it. */
  readonly name: string
  readonly state: 'pass' | 'fail' | 'skip'
  /** Why it failed. */
  readonly message?: string
}

export type SuiteLine =
  | { readonly kind: 'begun'; readonly file: string }
  | {
      readonly kind: 'ended'
      readonly file: string
      readonly ms: number
      readonly tests: readonly TestResult[]
    }

/** Of light-alarm, in ms. */
export interface HostFigures {
  readonly transpileMs: number
  readonly fromCacheMs: number
  /** A sandbox, and the first event in it. */
  readonly firstCallMs: number
  /** Median of warm ones. */
  readonly callMs: number
}
