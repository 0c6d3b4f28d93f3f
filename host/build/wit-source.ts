/**
 * The WIT packages of the wit/ folder as one text, which is what the component tools take without a file system
 * of their own: the main package first, each dependency as a nested package behind it (WIT.md, "package format").
 */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { buildProblems } from './problems.ts'

/** @param folder laid out as the tools want it: *.wit, and deps/NAME/*.wit */
export async function readWitSource(folder: string): Promise<string> {
  const main = await readWitFiles(folder)
  const names = await readdir(join(folder, 'deps')).catch(() => [])
  const deps = await Promise.all(names.sort().map((name) => readWitFiles(join(folder, 'deps', name))))
  return [...main, ...deps.flat().map(nestPackage)].join('\n')
}

/** @returns the names of the worlds that a text declares, in its order */
export function worldsOf(source: string): string[] {
  return [...source.matchAll(/^\s*world\s+%?([a-z][a-z0-9-]*)\s*\{/gm)].map((match) => match[1] ?? '')
}

async function readWitFiles(folder: string): Promise<string[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.wit')).sort()
  return Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
}

/** `package a:b@1.0.0; REST` becomes `package a:b@1.0.0 { REST }`. */
function nestPackage(text: string): string {
  const nested = text.replace(/^(package [^;\n]+);([\s\S]*)$/m, '$1 {$2}')
  if (nested === text) throw buildProblems.error('ERR_WORLD', 'a WIT file under wit/deps names no package')
  return nested
}
