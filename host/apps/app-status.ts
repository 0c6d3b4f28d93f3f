/** What a node says about an app: the machine's two slots in the words of the control API. */
import type { AppState, AppStatus, Transfer } from '../api/index.ts'
import type { Acquisition } from './acquisition.ts'
import type { AppMachine, Slot } from './app-state.ts'

/**
 * @param acquisition how the component of a release came or comes, and why it does not, where that is known
 * @returns null for a machine that has nothing to run
 */
export function statusOf(
  machine: AppMachine,
  acquisition: Pick<Acquisition, 'transferOf' | 'pausedOf'>,
): AppStatus | null {
  const shown = machine.current ?? machine.next
  if (shown === null) return null
  const status: AppStatus = {
    app: shown.release.record.app,
    ...versionOf(shown),
    since: shown.since,
    failures: shown.failures,
    ...reasonOf(shown, acquisition),
    ...moved(acquisition.transferOf(shown.release.digest)),
  }
  const next = machine.next
  if (next === null || next === shown) return status
  const transfer = acquisition.transferOf(next.release.digest)
  const moving =
    transfer === null || next.phase !== 'fetching'
      ? {}
      : { progress: transfer.totalBytes === 0 ? 1 : transfer.haveBytes / transfer.totalBytes }
  return {
    ...status,
    next: { ...versionOf(next), ...moving, ...moved(transfer), ...reasonOf(next, acquisition) },
  }
}

function moved(transfer: Transfer | null): Pick<AppStatus, 'transfer'> {
  return transfer === null ? {} : { transfer }
}

function versionOf(slot: Slot): { version: string; seq: number; state: AppState; variant?: string } {
  const { record, variant = null } = slot.release
  const { version, seq } = record
  return { version, seq, state: stateOf(slot), ...(variant !== null && { variant }) }
}

function reasonOf(
  { phase, reason: told, release }: Slot,
  acquisition: Pick<Acquisition, 'pausedOf'>,
): Pick<AppStatus, 'reason'> {
  const reason = told ?? (phase === 'fetching' ? acquisition.pausedOf(release.digest) : null)
  return reason === null ? {} : { reason }
}

function stateOf({ phase, retry }: Slot): AppState {
  switch (phase) {
    case 'refused':
      return 'failed'
    case 'checking':
      return 'starting'
    case 'backoff':
      // Nothing of the app has failed: it waits for somebody who has the bytes.
      return retry?.step === 'fetch' ? 'fetching' : 'backoff'
    default:
      return phase
  }
}
