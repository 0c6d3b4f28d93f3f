/** OCI images that a command is pointed at: a layout in a folder or an archive, or a reference into a registry. */
import { stat } from 'node:fs/promises'
import { basename, join, resolve } from 'node:path'
import type { ImageSource, WasmArtifact } from '../formats/index.ts'
import { byteProgress } from './carry/progress.ts'
import { cliProblems } from './problems.ts'
import type { World } from './world.ts'

/** Where an image is, before anything of it is read. */
export type ImagePlace =
  | { readonly kind: 'layout'; readonly path: string; readonly tag: string | null }
  | { readonly kind: 'registry'; readonly reference: string }

export interface Image {
  readonly artifact: WasmArtifact
  /** What it would be called where it does not say so itself: the last word of its name, or the folder's. */
  readonly name: string
  /** By which it was asked for. */
  readonly tag: string | null
  /** For messages. */
  readonly from: string
}

/** A layout's tag stands behind the last colon, as in skopeo's `oci:DIR:TAG`. */
const tagged = /^(.+):([A-Za-z0-9_][A-Za-z0-9._-]{0,127})$/

/**
 * @param typed as a person wrote it
 * @returns null where it is neither a layout nor a reference
 */
export async function imagePlace(typed: string, cwd: string): Promise<ImagePlace | null> {
  const path = resolve(cwd, typed)
  if (await isLayout(path)) return { kind: 'layout', path, tag: null }
  const [, before, tag = null] = tagged.exec(typed) ?? []
  const untagged = before === undefined ? null : resolve(cwd, before)
  if (untagged !== null && (await isLayout(untagged))) return { kind: 'layout', path: untagged, tag }
  if ((await stat(path).catch(() => null)) !== null) return null
  const { isReference } = await import('../formats/index.ts')
  return isReference(typed) ? { kind: 'registry', reference: typed } : null
}

/** A folder that is an app's own as well is the app. */
async function isLayout(path: string): Promise<boolean> {
  const facts = await stat(path).catch(() => null)
  if (facts === null) return false
  if (!facts.isDirectory()) return path.endsWith('.tar')
  const has = (name: string): Promise<boolean> =>
    stat(join(path, name)).then(
      (entry) => entry.isFile(),
      () => false,
    )
  return !(await has('selvedge.toml')) && (await has('oci-layout'))
}

/** Reads the component, its digests checked. @throws what host/formats throws */
export async function readImage(place: ImagePlace, world: World, plainHttp: boolean): Promise<Image> {
  const { openLayout, parseReference, readArtifact } = await import('../formats/index.ts')
  if (place.kind === 'layout') {
    const source = await openLayout(place.path)
    const artifact = await readAndClose(source, () => readArtifact(source, place.tag))
    const name = basename(place.path).replace(/\.tar$/, '')
    return { artifact, name, tag: place.tag, from: place.path }
  }
  const reference = parseReference(place.reference)
  const registry = await openRegistry(world, plainHttp, `pulling ${reference.repository}`)
  const source = registry.image(reference)
  const artifact = await readAndClose(source, () => readArtifact(source, null))
  const name = basename(reference.repository)
  return { artifact, name, tag: reference.tag, from: source.name }
}

async function readAndClose(source: ImageSource, read: () => Promise<WasmArtifact>): Promise<WasmArtifact> {
  try {
    return await read()
  } finally {
    await source.close()
  }
}

/** A registry with this person's proxies and credentials. */
export async function openRegistry(world: World, plainHttp: boolean, what: string) {
  const { createRegistry } = await import('../formats/index.ts')
  const { clock, env, signal } = world
  return createRegistry({ clock, env, signal, plainHttp, onBytes: byteProgress(world, what) })
}

/** What a release of this image would be numbered: as it says, or as it is tagged, where that is a version. */
export function versionOfImage({ artifact, tag }: Image): string | undefined {
  const version = /^v?(\d{1,9}\.\d{1,9}\.\d{1,9}(?:-[0-9A-Za-z.-]{1,32})?(?:\+[0-9A-Za-z.-]{1,32})?)$/
  for (const said of [artifact.version, tag]) {
    const found = said === null ? undefined : version.exec(said)?.[1]
    if (found !== undefined) return found
  }
  return undefined
}

/** @throws ERR_COMPONENT_FILE */
export function nothingThere(typed: string): Error {
  return cliProblems.error('ERR_COMPONENT_FILE', `there is nothing at ${typed}`, {
    hint: 'name an app’s folder, a .wasm file, an OCI layout (folder or .tar), or a reference as ghcr.io/org/app:1.2',
  })
}
