/**
 * The documents of the OCI image specification (image-spec 1.1: descriptor, manifest, index), as far as a component
 * needs them, and the types of the CNCF's "Wasm OCI Artifact layout". Read within bounds, unknown fields passed over.
 */
import * as v from 'valibot'
import { digestOf } from '../../../core/index.ts'
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'

export const mediaTypes = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
  dockerManifest: 'application/vnd.docker.distribution.manifest.v2+json',
  dockerList: 'application/vnd.docker.distribution.manifest.list.v2+json',
  wasmConfig: 'application/vnd.wasm.config.v0+json',
  wasm: 'application/wasm',
} as const

/** A component or module as it is; the first is what we write, the others are what tools wrote before there was one. */
export const wasmLayerTypes: readonly string[] = [
  mediaTypes.wasm,
  'application/vnd.wasm.content.layer.v1+wasm',
  'application/vnd.bytecodealliance.wasm.component.layer.v0+wasm',
  'application/vnd.module.wasm.content.layer.v1+wasm',
]

/** The signed release record of a selvedge mesh, in base64: it survives every tool that copies the image. */
export const releaseAnnotation = 'dev.selvedge.release'
export const titleAnnotation = 'org.opencontainers.image.title'
export const versionAnnotation = 'org.opencontainers.image.version'
export const createdAnnotation = 'org.opencontainers.image.created'
export const refNameAnnotation = 'org.opencontainers.image.ref.name'

const annotations = v.optional(v.record(v.string(), v.string()))
const descriptor = v.looseObject({
  mediaType: v.pipe(v.string(), v.maxLength(255)),
  digest: v.pipe(v.string(), v.regex(/^sha256:[0-9a-f]{64}$/, 'is no SHA-256 digest')),
  size: v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(Number.MAX_SAFE_INTEGER)),
  annotations,
  platform: v.optional(v.looseObject({ architecture: v.string(), os: v.string() })),
})
const manifest = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  config: descriptor,
  layers: v.pipe(v.array(descriptor), v.maxLength(formatLimits.layers)),
  annotations,
})
const index = v.looseObject({
  schemaVersion: v.literal(2),
  mediaType: v.optional(v.string()),
  manifests: v.pipe(v.array(descriptor), v.maxLength(formatLimits.manifests)),
  annotations,
})
const layout = v.looseObject({ imageLayoutVersion: v.pipe(v.string(), v.regex(/^1\./)) })

export type Descriptor = v.InferOutput<typeof descriptor>
export type Manifest = v.InferOutput<typeof manifest>
export type ImageIndex = v.InferOutput<typeof index>

/** @throws ERR_OCI_LAYOUT */
export function readManifest(bytes: Uint8Array): Manifest {
  return read(manifest, bytes, 'a manifest')
}

/** @throws ERR_OCI_LAYOUT */
export function readIndex(bytes: Uint8Array): ImageIndex {
  return read(index, bytes, 'an index')
}

/** @throws ERR_OCI_LAYOUT for another version than 1 */
export function checkLayoutFile(bytes: Uint8Array): void {
  read(layout, bytes, 'the file oci-layout')
}

/** Both kinds may come under one name from a registry; only an index has `manifests`. @throws ERR_OCI_LAYOUT */
export function readEither(
  bytes: Uint8Array,
): { readonly index: ImageIndex } | { readonly manifest: Manifest } {
  const value = parseJson(bytes, 'a manifest')
  const isIndex = typeof value === 'object' && value !== null && 'manifests' in value
  return isIndex ? { index: readIndex(bytes) } : { manifest: readManifest(bytes) }
}

/** What names these bytes. */
export function describe(mediaType: string, bytes: Uint8Array): Descriptor {
  return { mediaType, digest: `sha256:${digestOf(bytes)}`, size: bytes.length }
}

/** @throws ERR_FORMAT_DIGEST where they are other bytes than those that were named */
export function verified(wanted: Pick<Descriptor, 'digest' | 'size'>, bytes: Uint8Array): Uint8Array {
  const actual = `sha256:${digestOf(bytes)}`
  if (bytes.length === wanted.size && actual === wanted.digest) return bytes
  throw formatsProblems.error(
    'ERR_FORMAT_DIGEST',
    `${wanted.digest.slice(0, 19)}… should have ${wanted.size} bytes; there are ${bytes.length} with the digest ${actual.slice(0, 19)}…`,
  )
}

function read<Schema extends v.GenericSchema>(
  schema: Schema,
  bytes: Uint8Array,
  what: string,
): v.InferOutput<Schema> {
  const result = v.safeParse(schema, parseJson(bytes, what))
  if (result.success) return result.output
  const [issue] = result.issues
  const at = v.getDotPath(issue) ?? ''
  throw formatsProblems.error(
    'ERR_OCI_LAYOUT',
    `${what} was refused: ${at}${at === '' ? '' : ' '}${issue.message}`,
  )
}

function parseJson(bytes: Uint8Array, what: string): unknown {
  if (bytes.length > formatLimits.manifestBytes) {
    throw formatsProblems.error(
      'ERR_OCI_LAYOUT',
      `${what} has ${bytes.length} bytes, more than ${formatLimits.manifestBytes}`,
    )
  }
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as unknown
  } catch (cause) {
    throw formatsProblems.error('ERR_OCI_LAYOUT', `${what} is not JSON`, { cause })
  }
}
