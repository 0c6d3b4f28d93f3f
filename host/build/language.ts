/**
 * How one language becomes a component. A language is one file beside this one and one line in `languages.ts`.
 */
import type { Manifest } from '../manifest/index.ts'

export interface BuildRequest {
  /** The app's folder, absolute. */
  readonly folder: string
  readonly manifest: Manifest
  /** Told each step as it begins, in words; a command's own output too, line by line. */
  readonly progress: (step: string) => void
  readonly signal: AbortSignal
  /** Of a variant: what the compiler may use that it does not use by itself. */
  readonly features?: readonly string[] | undefined
}

export interface Language {
  /** As written in `language = "…"`. */
  readonly name: string
  /** @returns the component's bytes. @throws ERR_TOOLCHAIN_MISSING, ERR_BUILD_FAILED, ERR_WORLD */
  build(request: BuildRequest): Promise<Uint8Array>
  /** Writes what the app's source imports of its world, where the language has such a thing. @throws ERR_WORLD */
  bindings?(folder: string, manifest: Manifest): Promise<WrittenBindings>
}

export interface WrittenBindings {
  /** Absolute. */
  readonly folder: string
  readonly world: string
  /** Their names in it. */
  readonly files: readonly string[]
}
