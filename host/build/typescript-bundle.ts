/**
 * One JavaScript module of an app in TypeScript. Types are stripped, not checked: `tsc` does that, with the types
 * in build/types. Imports of WIT interfaces stay; Node's own modules do not exist inside a component.
 */
import { buildProblems } from './problems.ts'

export interface Bundled {
  readonly script: string
  /** What the module exports. */
  readonly exports: readonly string[]
}

/** `wasi:config/store@0.2.0-rc.1`; in the syntax of Go's regular expressions, which knows no look-ahead. */
const witInterface = /^[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\//
/** Of all errors, how many are repeated. */
const shownErrors = 10

/** @throws ERR_BUILD_FAILED with file, line and column of what does not compile */
export async function bundle(tool: unknown, folder: string, source: string, app: string): Promise<Bundled> {
  const esbuild = tool as Esbuild
  try {
    const { outputFiles, metafile } = await esbuild.build({
      absWorkingDir: folder,
      entryPoints: [source],
      outfile: 'app.js',
      bundle: true,
      write: false,
      metafile: true,
      format: 'esm',
      platform: 'neutral',
      mainFields: ['module', 'main'],
      target: 'es2022',
      charset: 'utf8',
      legalComments: 'none',
      logLevel: 'silent',
      plugins: [{ name: 'wit', setup: (build) => build.onResolve({ filter: witInterface }, leave) }],
    })
    const [output] = Object.values(metafile.outputs)
    return { script: outputFiles[0]?.text ?? '', exports: output?.exports ?? [] }
  } catch (error) {
    const errors = (error as { errors?: EsbuildMessage[] }).errors
    if (errors === undefined || errors.length === 0) throw error
    const lines = errors.slice(0, shownErrors).map(readable)
    if (errors.length > shownErrors) lines.push(`and ${errors.length - shownErrors} more`)
    throw buildProblems.error('ERR_BUILD_FAILED', `${app} does not compile:\n${lines.join('\n')}`, {
      cause: error,
    })
  }
}

/** A function of WIT is the host's: the import stays. `node:fs/promises` only looks like one. */
function leave({ path }: { path: string }): { path: string; external: true } | undefined {
  return path.startsWith('node:') ? undefined : { path, external: true }
}

/** As editors and terminals know places: `src/rule.ts:3:10: text`, columns from 1. */
function readable({ text, location }: EsbuildMessage): string {
  return location === null ? text : `${location.file}:${location.line}:${location.column + 1}: ${text}`
}

// What we use of esbuild, which is imported at run time from wherever it is installed.

interface EsbuildMessage {
  readonly text: string
  readonly location: { file: string; line: number; column: number } | null
}

interface Esbuild {
  build(options: Record<string, unknown> & { plugins: EsbuildPlugin[] }): Promise<{
    outputFiles: readonly { text: string }[]
    metafile: { outputs: Record<string, { exports: string[] }> }
  }>
}

interface EsbuildPlugin {
  readonly name: string
  setup(build: { onResolve(options: { filter: RegExp }, callback: typeof leave): void }): void
}
