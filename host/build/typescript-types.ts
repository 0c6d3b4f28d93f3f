/**
 * The types that an author writes an app against: jco's declarations of the world, one module per WIT interface,
 * adapted to how the chosen engine passes values.
 */
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { ScriptEngine } from './typescript-engine.ts'

export interface WorldExport {
  /** As the app's module exports it. */
  readonly name: string
  /** The interface, or the function itself where the world exports it bare. */
  readonly id: string
}

export interface WorldTypes {
  /** Declarations by file name. */
  readonly files: ReadonlyMap<string, string>
  readonly imports: readonly string[]
  readonly exports: readonly WorldExport[]
}

/** @param jco the module `@bytecodealliance/jco-transpile` */
export async function worldTypes(jco: unknown, witFile: string, world: string): Promise<WorldTypes> {
  const generated = await (jco as Jco).generateGuestTypes(witFile, { worldName: world })
  const files = new Map<string, string>()
  for (const [path, bytes] of Object.entries(generated)) {
    // One folder is enough: the names of interfaces carry their package.
    const text = new TextDecoder().decode(bytes).replaceAll('./interfaces/', './')
    files.set(basename(path), text)
  }
  return { files, ...outlineOf(files.get(`${world}.d.ts`) ?? '') }
}

/** The world's own declaration says in comments which of its names are imported and which exported. */
function outlineOf(text: string): Pick<WorldTypes, 'imports' | 'exports'> {
  const imports = [...text.matchAll(/ \/\/ import (\S+)$/gm)].map((match) => match[1] ?? '')
  const interfaces = [...text.matchAll(/^ *export \* as (\w+) from .* \/\/ export (\S+)$/gm)]
  const functions = [...text.matchAll(/^ *export function (\w+)\(/gm)]
  return {
    imports,
    exports: [...interfaces, ...functions].map(([, name = '', id = name]) => ({
      name,
      id,
    })),
  }
}

/** Replaces what an earlier build left. */
export async function writeTypes(
  folder: string,
  files: WorldTypes['files'],
  { plainValues }: Pick<ScriptEngine, 'plainValues'>,
): Promise<void> {
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const [name, text] of files) await writeFile(join(folder, name), plainValues ? plain(text) : text)
}

/** @returns a declaration with `number` for 64-bit integers, `null` for none, and arrays for lists */
export function plain(text: string): string {
  return text
    .split('\n')
    .map((line) => (/^\s*(\*|\/\*|\/\/)/.test(line) ? line : plainLine(line)))
    .join('\n')
}

function plainLine(line: string): string {
  return line
    .replace(/\bbigint\b/g, 'number')
    .replace(/\b(?:Big(?:Int|Uint)64|Int(?:8|16|32)|Uint(?:16|32)|Float(?:32|64))Array\b/g, 'number[]')
    .replace(/\| undefined\b/g, '| null')
    .replace(/^(\s*\w+)\?: (.*),$/, '$1: $2 | null,')
}

interface Jco {
  generateGuestTypes(
    witFile: string,
    options: { worldName: string },
  ): Promise<Readonly<Record<string, Uint8Array>>>
}
