/** What `publish` was pointed at: an app folder with its manifest, a bare component file, or an OCI image. */
import { open, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { messageOf } from '../../core/index.ts'
import { apiLimits } from '../api/index.ts'
import type { ReleaseDraft } from '../manifest/index.ts'
import { cliProblems } from './problems.ts'
import { imagePlace, nothingThere, readImage, versionOfImage, type ImagePlace } from './image-source.ts'
import { usage } from './arguments.ts'
import type { World } from './world.ts'

export interface SourceOptions {
  readonly app: string | undefined
  readonly version: string | undefined
  readonly grants: readonly string[]
  readonly triggers: readonly string[]
  readonly groups: readonly string[]
  /** `INTERFACE=APP`, of a bare file. */
  readonly links?: readonly string[] | undefined
  readonly replicas?: string | undefined
  readonly needs?: readonly string[] | undefined
  /** `KEY=VALUE`, over what the manifest says. */
  readonly config: readonly string[]
  /** Of the command, in place of the manifest's. */
  readonly args: readonly string[]
  /** `NAME=FILE.wasm`, of a bare file. */
  readonly variants?: readonly string[] | undefined
  readonly build: boolean
  /** Registries on other machines without TLS. */
  readonly plainHttp: boolean
}

interface ComponentFile {
  readonly file: string
  readonly bytes: Uint8Array
}

export interface ComponentSource extends ComponentFile {
  readonly draft: ReleaseDraft
  /** The best first. */
  readonly variants: readonly (ComponentFile & { readonly name: string })[]
}

/** Where components are to be found. */
interface FoundSource {
  readonly file: string
  readonly draft: ReleaseDraft
  readonly variants: readonly { readonly name: string; readonly file: string }[]
}

/**
 * Reads, and for a folder first builds, what is to be published.
 * @param typed a path, or a reference into a registry
 * @throws the refusals of host/manifest, host/build and host/formats; ERR_COMPONENT_FILE; ERR_USAGE for a folder with
 * options that only stand in for a manifest
 */
export async function componentSource(
  typed: string,
  options: SourceOptions,
  world: World,
  progress: (step: string) => void,
): Promise<ComponentSource> {
  const place = await imagePlace(typed, world.cwd)
  const source =
    place === null ? await fromDisk(typed, options, world, progress) : await fromImage(place, options, world)
  const config = { ...source.draft.config, ...parseConfig(options.config) }
  return { ...source, draft: { ...source.draft, config } }
}

async function fromDisk(
  typed: string,
  options: SourceOptions,
  world: World,
  progress: (step: string) => void,
): Promise<ComponentSource> {
  const target = resolve(world.cwd, typed)
  const facts = await stat(target).catch(() => {
    throw nothingThere(target)
  })
  const source = facts.isDirectory()
    ? await fromFolder(target, options, progress, world.signal)
    : await fromFile(target, options, world.cwd)
  const variants: ComponentSource['variants'][number][] = []
  for (const variant of source.variants)
    variants.push({ ...variant, bytes: await readComponent(variant.file) })
  return { ...source, variants, bytes: await readComponent(source.file) }
}

/** As a bare file: what the image says of itself is its name and version, never what it may use. */
async function fromImage(place: ImagePlace, options: SourceOptions, world: World): Promise<ComponentSource> {
  if ((options.variants ?? []).length > 0)
    throw misplaced('--variant', 'is for a file or a folder, not for an image')
  const image = await readImage(place, world, options.plainHttp)
  const { artifact, name, from } = image
  const version = options.version ?? versionOfImage(image)
  const { draft } = await fromFile(`${artifact.title ?? name}.wasm`, { ...options, version }, world.cwd)
  return { file: from, bytes: artifact.component, draft, variants: [] }
}

async function fromFolder(
  folder: string,
  options: SourceOptions,
  progress: (step: string) => void,
  signal: AbortSignal,
): Promise<FoundSource> {
  const unfitting = [
    options.app === undefined ? null : '--app',
    options.grants.length === 0 ? null : '--grant',
    (options.links ?? []).length === 0 ? null : '--link',
    options.triggers.length === 0 ? null : '--trigger',
    (options.variants ?? []).length === 0 ? null : '--variant',
  ].find((name) => name !== null)
  if (unfitting !== undefined)
    throw misplaced(unfitting, 'is for a bare .wasm; an app folder says it in its selvedge.toml')
  const { readManifest, releaseDraft } = await import('../manifest/index.ts')
  const manifest = await readManifest(folder)
  const draft = releaseDraft(manifest)
  if (options.build) {
    const { buildApp } = await import('../build/index.ts')
    await buildApp(folder, { progress, signal })
  }
  // What may differ from one publication to the next is checked as a bare file's would be.
  const { version, groups, args, placement } = releaseDraft({
    file: 'app.wasm',
    version: options.version,
    groups: options.groups,
    args: options.args,
    replicas: options.replicas,
    needs: options.needs,
  })
  return {
    file: resolve(join(folder, manifest.component.file)),
    variants: manifest.variants.map(({ name, file }) => ({ name, file: resolve(join(folder, file)) })),
    draft: {
      ...draft,
      version: version ?? draft.version,
      groups: groups.length === 0 ? draft.groups : groups,
      args: args.length === 0 ? draft.args : args,
      placement: { ...draft.placement, ...placement },
    },
  }
}

async function fromFile(file: string, options: SourceOptions, cwd: string): Promise<FoundSource> {
  const { releaseDraft } = await import('../manifest/index.ts')
  const { app, version, grants, triggers, groups, args, replicas, needs, links } = options
  return {
    file,
    variants: parseVariants(options.variants ?? [], cwd),
    draft: releaseDraft({ file, app, version, grants, triggers, groups, args, replicas, needs, links }),
  }
}

async function readComponent(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file, 'r')
    try {
      const { size } = await handle.stat()
      if (size > apiLimits.componentBytes) {
        const { engineProblems } = await import('../engine/index.ts')
        throw engineProblems.error(
          'ERR_COMPONENT_TOO_LARGE',
          `${file} has ${size} bytes; at most ${apiLimits.componentBytes} can be published`,
        )
      }
      if (size === 0) {
        throw cliProblems.error('ERR_COMPONENT_FILE', `${file} is empty`, {
          hint: 'build it again: the tool that wrote it was interrupted, or the disk was full',
        })
      }
      return new Uint8Array(await handle.readFile())
    } finally {
      await handle.close()
    }
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).syscall === undefined) throw cause
    throw cliProblems.error('ERR_COMPONENT_FILE', `${file} cannot be read: ${messageOf(cause)}`, { cause })
  }
}

function misplaced(option: string, why: string): Error {
  return usage({ name: 'publish' }, `${option} ${why}`)
}

function parseVariants(pairs: readonly string[], cwd: string): FoundSource['variants'] {
  const variants = pairs.map((pair) => {
    const at = pair.indexOf('=')
    const name = pair.slice(0, Math.max(at, 0))
    if (!/^[a-z][a-z0-9-]{0,30}$/.test(name) || at === pair.length - 1)
      throw misplaced(`--variant ${pair}`, 'is not NAME=FILE.wasm, as simd=blink.simd.wasm')
    return { name, file: resolve(cwd, pair.slice(at + 1)) }
  })
  const twice = variants.find(({ name }, at) => variants.findIndex((one) => one.name === name) !== at)
  if (twice !== undefined) throw misplaced(`--variant ${twice.name}`, 'is given twice')
  return variants
}

function parseConfig(pairs: readonly string[]): Record<string, string> {
  const config: Record<string, string> = {}
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw usage({ name: 'publish' }, `--config ${pair} is not KEY=VALUE`)
    config[pair.slice(0, at)] = pair.slice(at + 1)
  }
  return config
}
