/** What a doctor looks at, and what it says: a check is one file in `checks/` and one line in `index.ts`. */
import type { Clock } from '../../core/index.ts'
import type { DevicesReport, StatusReport, TrustReport } from '../api/index.ts'

/** `note` is worth knowing and nobody has to do anything about it. */
export type Level = 'fine' | 'note' | 'wrong'

export interface Finding {
  readonly level: Level
  /** One line: what is so. */
  readonly what: string
  /** Of the problem registry, where it is wrong. */
  readonly code?: string
  /** What to do about it. */
  readonly fix?: string
}

/** What a running daemon says of itself. */
export interface NodeFacts {
  readonly status: StatusReport
  readonly devices: DevicesReport
  readonly trust: TrustReport
}

export interface Patient {
  /** The data folder, whether it is there or not. */
  readonly data: string
  readonly keys: string
  /** The node's TOML, where one was named. */
  readonly config: string | undefined
  /** null where no daemon answers. */
  readonly node: NodeFacts | null
  readonly clock: Clock
  readonly signal: AbortSignal
}

export interface Check {
  readonly name: string
  readonly summary: string
  /** At least one finding. What it throws is a finding too. */
  run(patient: Patient): Promise<readonly Finding[]>
}

export interface Diagnosis {
  readonly findings: readonly (Finding & { readonly check: string })[]
  readonly wrong: number
  readonly notes: number
}
