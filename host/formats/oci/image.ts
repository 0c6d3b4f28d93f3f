/**
 * A release as an OCI image: manifest, config and one layer, as the CNCF's "Wasm OCI Artifact layout" has them, so that
 * wkg, oras and skopeo take it. The same release gives the same bytes.
 */
import {
  createdAnnotation,
  describe,
  mediaTypes,
  refNameAnnotation,
  releaseAnnotation,
  titleAnnotation,
  versionAnnotation,
  type Descriptor,
} from './documents.ts'

export interface ReleaseImage {
  readonly manifest: Uint8Array
  readonly descriptor: Descriptor
  /** Config and component: what the manifest names. */
  readonly blobs: readonly { readonly descriptor: Descriptor; readonly bytes: Uint8Array }[]
  readonly tag: string
}

export interface ReleaseImageParts {
  readonly app: string
  readonly version: string
  /** ms since the epoch, as the publisher signed it. */
  readonly signedAt: number
  readonly component: Uint8Array
  /** What it imports and exports; null for a core module. */
  readonly world: { readonly imports: readonly string[]; readonly exports: readonly string[] } | null
  /** The signed record. */
  readonly release: Uint8Array
}

export function imageOf(parts: ReleaseImageParts): ReleaseImage {
  const { app, version, component, world, release } = parts
  const created = new Date(parts.signedAt).toISOString()
  const layer = describe(mediaTypes.wasm, component)
  const config = encode({
    created,
    architecture: 'wasm',
    os: world === null ? 'wasip1' : 'wasip2',
    layerDigests: [layer.digest],
    ...(world === null ? {} : { component: { exports: world.exports, imports: world.imports } }),
  })
  const configDescriptor = describe(mediaTypes.wasmConfig, config)
  const manifest = encode({
    schemaVersion: 2,
    mediaType: mediaTypes.manifest,
    config: configDescriptor,
    layers: [{ ...layer, annotations: { [titleAnnotation]: `${app}.wasm` } }],
    annotations: {
      [createdAnnotation]: created,
      [titleAnnotation]: app,
      [versionAnnotation]: version,
      [releaseAnnotation]: Buffer.from(release).toString('base64'),
    },
  })
  return {
    manifest,
    descriptor: describe(mediaTypes.manifest, manifest),
    blobs: [
      { descriptor: configDescriptor, bytes: config },
      { descriptor: layer, bytes: component },
    ],
    tag: tagOf(version),
  }
}

/** Tags have no `+`; Helm and others write `_` for it. */
export function tagOf(version: string): string {
  return version.replaceAll('+', '_')
}

/** The files of a layout with one image, by their names in it. */
export function layoutFiles(image: ReleaseImage): { readonly name: string; readonly bytes: Uint8Array }[] {
  const { manifest, descriptor, blobs, tag } = image
  const index = {
    schemaVersion: 2,
    mediaType: mediaTypes.index,
    manifests: [{ ...descriptor, annotations: { [refNameAnnotation]: tag } }],
  }
  return [
    { name: 'oci-layout', bytes: encode({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', bytes: encode(index) },
    { name: nameOf(descriptor), bytes: manifest },
    ...blobs.map((blob) => ({ name: nameOf(blob.descriptor), bytes: blob.bytes })),
  ]
}

function nameOf({ digest }: Descriptor): string {
  return `blobs/${digest.replace(':', '/')}`
}

function encode(value: unknown): Uint8Array {
  return new TextEncoder().encode(JSON.stringify(value))
}
