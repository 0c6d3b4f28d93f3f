/** What a node says about an app: the machine's two slots in the words of the control API. */
import type { Digest } from '../../core/index.ts'
import type { AppState, AppStatus, Transfer } from '../api/index.ts'
import type { AppMachine, Slot } from './app-state.ts'

/**
 * @param transferOf how the component of a release came or comes, where that is known
 * @returns null for a machine that has nothing to run
 */
export function statusOf(
  machine: AppMachine,
  transferOf: (release: Digest) => Transfer | null,
): AppStatus | null {
  const shown = machine.current ?? machine.next
  if (shown === null) return null
  const status: AppStatus = {
    app: shown.release.record.app,
    ...versionOf(shown),
    since: shown.since,
    failures: shown.failures,
    ...reasonOf(shown),
    ...moved(transferOf(shown.release.digest)),
  }
  const next = machine.next
  if (next === null || next === shown) return status
  const transfer = transferOf(next.release.digest)
  const moving =
    transfer === null || next.phase !== 'fetching'
      ? {}
      : { progress: transfer.totalBytes === 0 ? 1 : transfer.haveBytes / transfer.totalBytes }
  return { ...status, next: { ...versionOf(next), ...moving, ...moved(transfer), ...reasonOf(next) } }
}

function moved(transfer: Transfer | null): Pick<AppStatus, 'transfer'> {
  return transfer === null ? {} : { transfer }
}

function versionOf(slot: Slot): { version: string; seq: number; state: AppState } {
  const { version, seq } = slot.release.record
  return { version, seq, state: stateOf(slot) }
}

function reasonOf({ reason }: Slot): Pick<AppStatus, 'reason'> {
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
