/**
 * Compilers are no part of the program: they are npm packages that the app's folder, or else the folder the
 * program is installed in, has. They are looked up when a build needs them, in that order.
 */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { messageOf } from '../../core/index.ts'
import { buildProblems } from './problems.ts'

/** An entry point of an npm package, e.g. `assemblyscript` and `./asc`. */
export interface ToolEntry {
  readonly name: string
  /** A key of the package's `exports`. */
  readonly entry: string
}

/**
 * Imports the given entry points.
 * @param folders where to look, first come first served
 * @returns one module per entry, in their order; the caller knows their shapes
 * @throws ERR_TOOLCHAIN_MISSING naming every package that is missing and the line that installs them
 */
export async function importTools(
  entries: readonly ToolEntry[],
  folders: readonly string[],
): Promise<unknown[]> {
  const packages = entries.map(({ name }) => findPackage(name, folders))
  const missing = [...new Set(entries.filter((_, index) => packages[index] === null).map(({ name }) => name))]
  if (missing.length > 0) throw missingTools(missing, folders)
  return Promise.all(
    entries.map(async (tool, index) => {
      try {
        return (await import(await entryUrl(packages[index] ?? '', tool.entry))) as unknown
      } catch (error) {
        throw buildProblems.error(
          'ERR_TOOLCHAIN_MISSING',
          `${tool.name} cannot be loaded: ${messageOf(error)}`,
          {
            hint: `install it again: npm i -D ${tool.name}`,
            cause: error,
          },
        )
      }
    }),
  )
}

function missingTools(missing: readonly string[], folders: readonly string[]): Error {
  const are = missing.length === 1 ? 'is' : 'are'
  return buildProblems.error('ERR_TOOLCHAIN_MISSING', `${missing.join(' and ')} ${are} not installed`, {
    hint: `in ${folders[0]}, run: npm i -D ${missing.join(' ')}`,
  })
}

/** @returns the package's folder, or null */
function findPackage(name: string, folders: readonly string[]): string | null {
  for (const folder of folders) {
    // `resolve` itself does not do: packages without a "require" condition hide from it.
    for (const modules of createRequire(join(folder, 'package.json')).resolve.paths(name) ?? []) {
      if (existsSync(join(modules, name, 'package.json'))) return join(modules, name)
    }
  }
  return null
}

async function entryUrl(folder: string, entry: string): Promise<string> {
  const { exports, main = 'index.js' } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as {
    exports?: Conditions | Record<string, Conditions | undefined>
    main?: string
  }
  const target = entry === '.' && exports === undefined ? main : targetOf(exports ?? {}, entry)
  if (target === undefined) throw new Error(`this version has no ${entry}`)
  return pathToFileURL(join(folder, target)).href
}

/** What a package gives to `import`, by condition. */
interface Conditions {
  readonly import?: string
  readonly default?: string
}

/** https://nodejs.org/api/packages.html, "exports sugar": conditions alone are those of the entry `.` */
function targetOf(
  exports: Conditions | Record<string, Conditions | undefined>,
  entry: string,
): string | undefined {
  const bySubpath = Object.keys(exports).every((key) => key.startsWith('.'))
  if (!bySubpath && entry !== '.') return undefined
  const conditions = bySubpath
    ? (exports as Record<string, Conditions | undefined>)[entry]
    : (exports as Conditions)
  return conditions?.import ?? conditions?.default
}
