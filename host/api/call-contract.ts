/** Calls of an app's functions, and requests to it, as clients of the control API ask for them. */

/** One argument as it was typed: by the parameter's name, or in its place. */
export interface TypedArgument {
  readonly name: string | null
  readonly text: string
}

interface CallTarget {
  readonly app: string
  /** Name of the one node that may answer. */
  readonly node?: string | undefined
  readonly deadlineMs?: number | undefined
  /** Calls with one value of it stay with one node. */
  readonly key?: string | undefined
}

export type CallIntent = CallTarget &
  (
    | { readonly kind: 'list' }
    | {
        readonly kind: 'function'
        /** `ns:pkg/iface@1.0.0#function`, or a short form of it. */
        readonly function: string
        /** One text with all of them in WAVE, or each in a text of its own. */
        readonly arguments: string | readonly TypedArgument[]
        /** Of the result. */
        readonly form: 'wave' | 'json'
      }
    | {
        readonly kind: 'http'
        readonly method: string
        /** Path and query. */
        readonly path: string
        /** In base64; absent where there is none. */
        readonly body?: string | undefined
      }
  )

/** A type as the engine tells of it. `kind` is WIT's word; the rest is as in host/engine's `WitShape`. */
interface WitTypeReport {
  readonly kind: string
}

export interface FunctionReport {
  /** As a call names it in full. */
  readonly target: string
  /** `interface.function`, which is enough where no other has it. */
  readonly name: string
  /** `func(celsius: f64) -> f64` */
  readonly type: string
  readonly parameters: readonly { readonly name: string; readonly type: WitTypeReport | null }[]
  readonly result: WitTypeReport | null
  /** Of what exports it: `acme:thermo/api@1.0.0`; empty for the world itself. */
  readonly interface: string
  /** The shortest name that means it alone. */
  readonly short: string
  /** As `type`, in WIT's own words: `func(readings: list<reading>) -> option<reading>` */
  readonly wit: string
  /** What the names in it stand for: `record reading { place: string, celsius: f64 }` */
  readonly types: readonly string[]
  /** Arguments to begin with, as they are typed: `celsius=1.5`; null where some cannot be written by hand. */
  readonly sample: readonly string[] | null
  /** The `///` lines before it. */
  readonly docs?: string
  /** Those before its interface, with the first of its functions alone. */
  readonly about?: string
}

/** Where a call went. Times in ms. */
export interface CallTraceReport {
  readonly node: string | null
  readonly scope: 'node' | 'group' | 'mesh' | null
  readonly why: string
  readonly attempts: readonly {
    readonly node: string
    readonly outcome: string
    readonly code?: string
    readonly ms: number
  }[]
  readonly queueMs: number
  readonly runMs: number
  readonly bytesIn: number
  readonly bytesOut: number
}

export type CallReport =
  | {
      readonly kind: 'list'
      readonly functions: readonly FunctionReport[]
      /** Whether it answers HTTP requests. */
      readonly http: boolean
    }
  | {
      readonly kind: 'function'
      readonly target: string
      /** Whether `text` is the function's own error. */
      readonly isError: boolean
      /** In the form that was asked for; empty where the function returns nothing. */
      readonly text: string
      readonly trace: CallTraceReport
    }
  | {
      readonly kind: 'http'
      readonly status: number
      readonly headers: readonly (readonly [name: string, value: string])[]
      /** In base64. */
      readonly body: string
    }
  /** It came to nothing, and this is what was tried. */
  | {
      readonly kind: 'failed'
      readonly error: {
        readonly code: string
        readonly kind: string
        readonly message: string
        readonly hint: string
      }
      readonly trace: CallTraceReport
    }
