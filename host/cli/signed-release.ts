/** From a draft and the mesh's terms to the bytes that a publisher signed. Signing happens here, never in the daemon. */
import type { KeyPair } from '../../core/index.ts'
import type { MemoryNeed, ReleaseRecord } from '../../mesh/index.ts'
import type { PublishContext } from '../api/index.ts'
import type { ReleaseDraft } from '../manifest/index.ts'

/** What a record takes: see `releaseLimits`. */
const maxImports = 128
const interfacePattern =
  /^(?=.{3,160}$)[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*(@[0-9A-Za-z.+-]{1,48})?$/

export interface SigningRequest {
  readonly draft: ReleaseDraft
  /** The component. */
  readonly bytes: Uint8Array
  /** WebAssembly features that it uses, as the node found them. */
  readonly features: readonly string[]
  /** Its linear memory, likewise; undefined where the node does not say. */
  readonly memory?: MemoryNeed | undefined
  /** The best first. */
  readonly variants?: readonly {
    readonly name: string
    readonly bytes: Uint8Array
    readonly features: readonly string[]
    readonly memory?: MemoryNeed | undefined
  }[]
  /** Interfaces that it imports, likewise. */
  readonly imports: readonly string[]
  readonly terms: PublishContext
  readonly key: KeyPair
  /** Wall clock, ms since the epoch. */
  readonly signedAt: number
}

/** @throws ERR_BLOB_SIZE; ERR_RELEASE_INVALID, ERR_RELEASE_TOO_LARGE where the record could not be read back */
export async function signedRelease(
  request: SigningRequest,
): Promise<{ bytes: Uint8Array; record: ReleaseRecord }> {
  const [{ componentRef, signRelease }, { isCritical }] = await Promise.all([
    import('../../mesh/index.ts'),
    import('../manifest/index.ts'),
  ])
  const { draft, bytes, features, memory, variants = [], terms, key, signedAt } = request
  const record: ReleaseRecord = {
    v: 1,
    mesh: terms.mesh,
    app: draft.app,
    seq: terms.nextSeq,
    version: draft.version ?? `0.0.${terms.nextSeq}`,
    component: componentRef(bytes).ref,
    grants: draft.grants,
    triggers: draft.triggers,
    config: draft.config,
    limits: draft.limits,
    features,
    ...(memory !== undefined && { memory }),
    ...(variants.length > 0 && {
      variants: variants.map((variant) => ({
        name: variant.name,
        component: componentRef(variant.bytes).ref,
        features: variant.features,
        ...(variant.memory !== undefined && { memory: variant.memory }),
      })),
    }),
    imports: importsOf(request.imports),
    ...(Object.keys(draft.instances).length > 0 && { instances: draft.instances }),
    ...(draft.args.length > 0 && { run: { args: draft.args } }),
    ...(Object.keys(draft.quotas).length > 0 && { quotas: draft.quotas }),
    groups: draft.groups,
    ...(Object.keys(draft.placement).length > 0 && { placement: draft.placement }),
    ...(Object.keys(draft.calls).length > 0 && { calls: draft.calls }),
    ...(Object.keys(draft.links).length > 0 && { links: draft.links }),
    ...(Object.keys(draft.stores).length > 0 && { stores: draft.stores }),
    ...(Object.keys(draft.topics).length > 0 && { topics: draft.topics }),
    previous: terms.previous,
    signedAt,
    // Without its arguments it would be another command.
    critical: [
      ...(draft.args.length > 0 ? ['run'] : []),
      ...(isCritical(draft.placement) ? ['placement'] : []),
      // Each node would keep one of its own, and nobody would see it.
      ...(Object.keys(draft.stores).length > 0 ? ['stores'] : []),
    ],
  }
  return { bytes: signRelease(key, record), record }
}

/** As many as a record takes, in its order; the other names, as of functions of a world's own, no node could have. */
function importsOf(imports: readonly string[]): string[] {
  const names = new Set(imports.filter((name) => interfacePattern.test(name)))
  return [...names].sort().slice(0, maxImports)
}
