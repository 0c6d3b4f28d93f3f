/**
 * Builds an app's component from its folder: reads the manifest, lets the language do its work, and puts the
 * result in place as a whole, so that a failed build leaves the component of the last good one.
 */
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { isSelvedgeError, messageOf, systemClock } from '../../core/index.ts'
import { readManifest, type Manifest } from '../manifest/index.ts'
import { isComponent } from './component.ts'
import type { BuildRequest, WrittenBindings } from './language.ts'
import { languageOf } from './languages.ts'
import { buildProblems } from './problems.ts'
import { documented } from './wit-docs.ts'

export interface BuildOptions {
  /** Told each step as it begins, in words. */
  readonly progress?: (step: string) => void
  readonly signal?: AbortSignal
}

export interface BuildResult {
  /** The component's path, absolute. */
  readonly file: string
  readonly sizeBytes: number
  /** In the manifest's order. */
  readonly variants: readonly { readonly name: string; readonly file: string; readonly sizeBytes: number }[]
  readonly ms: number
}

/**
 * @param folder where the app's selvedge.toml is
 * @throws ERR_MANIFEST, ERR_MANIFEST_MISSING, ERR_BUILD_LANGUAGE, ERR_TOOLCHAIN_MISSING, ERR_WORLD,
 * ERR_BUILD_FAILED
 */
export async function buildApp(folder: string, options: BuildOptions = {}): Promise<BuildResult> {
  const startedAt = systemClock.monotonicMs()
  const signal = options.signal ?? new AbortController().signal
  const manifest = await readManifest(folder)
  const request = { folder: resolve(folder), manifest, progress: options.progress ?? (() => {}), signal }
  const built = await buildOne(request)
  const variants: BuildResult['variants'][number][] = []
  for (const variant of manifest.variants) {
    request.progress(`variant ${variant.name}`)
    const made = await buildOne({
      ...request,
      manifest: manifestOf(manifest, variant),
      features: variant.features,
    })
    variants.push({ name: variant.name, ...made })
  }
  return { ...built, variants, ms: systemClock.monotonicMs() - startedAt }
}

/** The manifest as it were if the variant was the app's only component. */
function manifestOf(manifest: Manifest, { file, source, command }: Manifest['variants'][number]): Manifest {
  const { component } = manifest
  const isCommand = component.language === 'command' || component.command !== undefined
  return {
    ...manifest,
    component: {
      ...component,
      file,
      ...(source !== undefined && { source }),
      // A variant without a command of its own is made by the app's, which has run.
      ...(isCommand && { language: 'command' as const, command }),
    },
  }
}

async function buildOne(request: BuildRequest): Promise<{ file: string; sizeBytes: number }> {
  const { folder, manifest, signal } = request
  const built = await languageOf(manifest).build(request)
  if (!isComponent(built)) {
    throw buildProblems.error(
      'ERR_BUILD_FAILED',
      `the build of ${manifest.app.name} made no WebAssembly component`,
      {
        hint: 'a core module becomes a component with jco embed and jco new',
      },
    )
  }
  const bytes = await documented(built, folder, manifest.component.world)
  signal.throwIfAborted()
  const file = join(folder, manifest.component.file)
  await putInPlace(file, bytes)
  return { file, sizeBytes: bytes.length }
}

/**
 * Writes what the app's source imports of its world, without building it.
 * @param folder where the app's selvedge.toml is
 * @throws ERR_MANIFEST, ERR_MANIFEST_MISSING, ERR_BUILD_LANGUAGE, ERR_WORLD, ERR_BUILD_FAILED
 */
export async function writeBindings(folder: string): Promise<WrittenBindings> {
  const manifest = await readManifest(folder)
  const language = languageOf(manifest)
  if (language.bindings === undefined) {
    throw buildProblems.error(
      'ERR_BUILD_LANGUAGE',
      `apps in ${language.name} have no bindings to write by themselves`,
      {
        hint: 'run selvedge build, which writes all that the language has',
      },
    )
  }
  return language.bindings(resolve(folder), manifest)
}

async function putInPlace(file: string, bytes: Uint8Array): Promise<void> {
  const scratch = `${file}.${process.pid}.tmp`
  try {
    await mkdir(dirname(file), { recursive: true })
    await writeFile(scratch, bytes)
    await rename(scratch, file)
  } catch (error) {
    await rm(scratch, { force: true }).catch(() => {})
    if (isSelvedgeError(error)) throw error
    throw buildProblems.error('ERR_BUILD_FAILED', `${file} cannot be written: ${messageOf(error)}`, {
      hint: 'give this user the right to write there, or name another file under [component]',
      cause: error,
    })
  }
}
