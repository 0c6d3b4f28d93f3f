/** Revocations of the test mesh, with what a test does not care about filled in. */
import type { KeyPair } from '../../../core/index.ts'
import {
  signRevocation,
  type AdminRevocation,
  type NodeRevocation,
  type PublisherRevocation,
  type ReleaseRevocation,
  type Revocation,
} from '../../../mesh/identity/index.ts'
import { admin, root, startOfTime } from './harness.ts'

type Of<Kind> = { mesh: string } & Partial<Kind>

const common = { v: 1, at: startOfTime, reason: 'stolen', critical: [] } as const

export function nodeRevocation(
  of: Of<NodeRevocation> & { key: Uint8Array },
  by: KeyPair = admin,
): Uint8Array {
  return signRevocation({ ...common, kind: 'node', nodes: [], ...of }, [by])
}

export function adminRevocation(
  of: Of<AdminRevocation> & { key: Uint8Array },
  by: readonly KeyPair[] = [root],
): Uint8Array {
  return signRevocation({ ...common, kind: 'admin', nodes: [], revocations: [], ...of }, by)
}

export function publisherRevocation(
  of: Of<PublisherRevocation> & { key: Uint8Array },
  by: readonly KeyPair[] = [root],
): Uint8Array {
  const record: Revocation = {
    ...common,
    kind: 'publisher',
    accepted: {},
    running: 'keep',
    revocations: [],
    ...of,
  }
  return signRevocation(record, by)
}

export function releaseRevocation(
  of: Of<ReleaseRevocation> & { app: string; release: string },
  by: KeyPair = admin,
): Uint8Array {
  return signRevocation({ ...common, kind: 'release', effect: 'fall-back', ...of }, [by])
}
