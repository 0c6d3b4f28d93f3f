/**
 * A WebAssembly component in an OCI image: from a layout or a registry to the component's bytes, each step held
 * against the digest that named it. The release record beside it is handed on unread: only the mesh judges that.
 */
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'
import {
  mediaTypes,
  readEither,
  refNameAnnotation,
  releaseAnnotation,
  titleAnnotation,
  verified,
  versionAnnotation,
  wasmLayerTypes,
  type Descriptor,
  type ImageIndex,
  type Manifest,
} from './documents.ts'

/** Where images are kept: a layout, or a repository of a registry. */
export interface ImageSource {
  /** For messages. */
  readonly name: string
  /** The document to begin with: a layout's index, or what a reference names. */
  root(): Promise<Uint8Array>
  /** Bytes as they are kept; whoever asks verifies them. */
  manifest(descriptor: Descriptor): Promise<Uint8Array>
  blob(descriptor: Descriptor): Promise<Uint8Array>
  close(): Promise<void>
}

export interface WasmArtifact {
  readonly component: Uint8Array
  /** As the image names itself; null where it does not. */
  readonly title: string | null
  readonly version: string | null
  /** The signed release of a mesh, unverified; null where nobody signed. */
  readonly release: Uint8Array | null
}

/**
 * @param tag which of a layout's images, where it has several; null for the only one
 * @throws ERR_OCI_LAYOUT, ERR_OCI_ARTIFACT, ERR_FORMAT_DIGEST, and what the source throws
 */
export async function readArtifact(source: ImageSource, tag: string | null): Promise<WasmArtifact> {
  const manifest = await resolveManifest(source, await source.root(), tag, 0)
  const layer = wasmLayerOf(manifest, source.name)
  if (layer.size > formatLimits.componentBytes) {
    throw formatsProblems.error(
      'ERR_OCI_ARTIFACT',
      `the component in ${source.name} has ${layer.size} bytes; at most ${formatLimits.componentBytes} are taken`,
    )
  }
  const component = verified(layer, await source.blob(layer))
  const said = manifest.annotations ?? {}
  return {
    component,
    title: said[titleAnnotation] ?? null,
    version: said[versionAnnotation] ?? null,
    release: releaseOf(said[releaseAnnotation], source.name),
  }
}

async function resolveManifest(
  source: ImageSource,
  bytes: Uint8Array,
  tag: string | null,
  depth: number,
): Promise<Manifest> {
  const document = readEither(bytes)
  if ('manifest' in document) return document.manifest
  if (depth >= formatLimits.indexDepth) {
    throw formatsProblems.error(
      'ERR_OCI_LAYOUT',
      `${source.name} has indexes nested deeper than ${formatLimits.indexDepth}`,
    )
  }
  const chosen = choose(document.index, tag, source.name)
  if (chosen.size > formatLimits.manifestBytes) {
    throw formatsProblems.error(
      'ERR_OCI_LAYOUT',
      `a manifest in ${source.name} has ${chosen.size} bytes, more than ${formatLimits.manifestBytes}`,
    )
  }
  const next = verified(chosen, await source.manifest(chosen))
  // A tag is of the outermost index; further down it is about platforms.
  return resolveManifest(source, next, null, depth + 1)
}

const manifestTypes: readonly string[] = [
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
]

function choose({ manifests }: ImageIndex, tag: string | null, name: string): Descriptor {
  const images = manifests.filter(({ mediaType }) => manifestTypes.includes(mediaType))
  const tagged =
    tag === null ? images : images.filter(({ annotations }) => annotations?.[refNameAnnotation] === tag)
  const forWasm = tagged.filter(({ platform }) => platform?.architecture === 'wasm')
  const [only, another] = forWasm.length > 0 ? forWasm : tagged
  if (only !== undefined && (another === undefined || another.digest === only.digest)) return only
  const tags = images.flatMap(({ annotations }) => annotations?.[refNameAnnotation] ?? [])
  const known = tags.length === 0 ? 'none has a tag' : `there are ${tags.slice(0, 20).join(', ')}`
  throw formatsProblems.error(
    'ERR_OCI_ARTIFACT',
    tag === null || only !== undefined
      ? `${name} holds ${images.length} images (${known})`
      : `${name} holds no image tagged ${tag} (${known})`,
    { hint: 'name the image by its tag: DIR:TAG, FILE.tar:TAG, or HOST/NAME:TAG' },
  )
}

function wasmLayerOf({ config, layers }: Manifest, name: string): Descriptor {
  const wasm = layers.filter(({ mediaType }) => wasmLayerTypes.includes(mediaType))
  const [only] = wasm
  if (only !== undefined && wasm.length === 1) return only
  const found = [...new Set(layers.map(({ mediaType }) => mediaType))].join(', ') || 'no layers'
  throw formatsProblems.error(
    'ERR_OCI_ARTIFACT',
    wasm.length === 0
      ? `${name} has no layer of WebAssembly, but ${found} (config ${config.mediaType})`
      : `${name} has ${wasm.length} layers of WebAssembly where one is meant`,
  )
}

const base64 = /^[A-Za-z0-9+/]+={0,2}$/

function releaseOf(text: string | undefined, name: string): Uint8Array | null {
  if (text === undefined) return null
  if (text.length > formatLimits.recordBytes || !base64.test(text)) {
    throw formatsProblems.error('ERR_OCI_ARTIFACT', `${name} has a release record that is no base64`)
  }
  return new Uint8Array(Buffer.from(text, 'base64'))
}
