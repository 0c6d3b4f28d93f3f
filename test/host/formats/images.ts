/** Images as tools write them, for the tests of layouts and registries. */
import { createHash } from 'node:crypto'

export const encode = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

export const digestOf = (bytes: Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`

export const describeBytes = (mediaType: string, bytes: Uint8Array) => ({
  mediaType,
  digest: digestOf(bytes),
  size: bytes.length,
})

/** Eight bytes that say component, and something behind them. */
export const component = new Uint8Array([0, 0x61, 0x73, 0x6d, 0x0d, 0, 1, 0, 0, 3, 1, 0x78, 0x79])

export interface TestImage {
  readonly manifest: Uint8Array
  readonly blobs: readonly Uint8Array[]
}

export function imageWith(
  layers: readonly { mediaType: string; bytes: Uint8Array }[],
  changes: Readonly<Record<string, unknown>> = {},
): TestImage {
  const config = encode({})
  const manifest = encode({
    schemaVersion: 2,
    config: describeBytes('application/vnd.wasm.config.v0+json', config),
    layers: layers.map(({ mediaType, bytes }) => describeBytes(mediaType, bytes)),
    ...changes,
  })
  return { manifest, blobs: [config, ...layers.map(({ bytes }) => bytes)] }
}

/** Files of a layout with these images, by tag. */
export function layoutWith(
  images: Readonly<Record<string, TestImage>>,
): { name: string; bytes: Uint8Array }[] {
  const manifests = Object.entries(images).map(([tag, { manifest }]) => ({
    ...describeBytes('application/vnd.oci.image.manifest.v1+json', manifest),
    annotations: { 'org.opencontainers.image.ref.name': tag },
  }))
  const blobs = Object.values(images).flatMap((image) => [image.manifest, ...image.blobs])
  const named = new Map(blobs.map((bytes) => [`blobs/${digestOf(bytes).replace(':', '/')}`, bytes]))
  return [
    { name: 'oci-layout', bytes: encode({ imageLayoutVersion: '1.0.0' }) },
    { name: 'index.json', bytes: encode({ schemaVersion: 2, manifests }) },
    ...[...named].map(([name, bytes]) => ({ name, bytes })),
  ]
}
