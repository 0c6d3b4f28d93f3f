/** Which of a release's components a machine runs: the first variant that fits, the best first, else its own. */
import type { ReleaseRecord } from '../../mesh/index.ts'
import type { Capabilities } from './capabilities.ts'
import { requirementsOf, whyNot } from './why-not.ts'

export interface FittedRelease {
  /** The release with the component that this machine runs, and what that one needs. */
  readonly record: ReleaseRecord
  /** Its name; null for the component itself. */
  readonly variant: string | null
}

export function fitted(record: ReleaseRecord, capabilities: Capabilities): FittedRelease {
  const chosen = record.variants?.find(
    (variant) => whyNot(requirementsOf(record, variant), capabilities).length === 0,
  )
  if (chosen === undefined) return { record, variant: null }
  const { name, component, features, memory } = chosen
  return { record: { ...record, component, features, memory }, variant: name }
}

/**
 * What a machine lacks for a release, in the words of needs; empty where it can run one of its components. Of several that
 * do not fit it tells of the component itself, which needs least.
 */
export function misfits(record: ReleaseRecord, capabilities: Capabilities): string[] {
  const own = whyNot(requirementsOf(record), capabilities)
  if (own.length === 0 || fitted(record, capabilities).variant !== null) return []
  return own
}
