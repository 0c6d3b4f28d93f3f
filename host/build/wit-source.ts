/**
 * The WIT that an app is built against, as one text, which is what the component tools take without a file system of
 * their own: the main package first, then each package it needs, nested behind it (WIT.md, "package format").
 *
 * The main package is the app's own wit/ folder where it has one, else ours. Packages are looked for in the app's
 * wit/deps, then in ours, and only those that somebody names are taken.
 */
import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { buildProblems } from './problems.ts'

interface WitPackage {
  /** `wasi:io`. */
  readonly name: string
  readonly version: string | null
  /** Without its package line. */
  readonly body: string
}

/** @param folders laid out as the tools want it, *.wit and deps/NAME/*.wit; the first is the main package */
export async function readWitSource(...folders: readonly string[]): Promise<string> {
  const [main, ...known] = (await Promise.all(folders.map(readFolder))).flat()
  if (main === undefined) throw buildProblems.error('ERR_WORLD', `there is no WIT in ${folders[0]}`)
  const taken = [main]
  // The list grows while it is walked: what a package names is looked at in its turn.
  for (const { body } of taken) {
    for (const wanted of packagesNamedIn(body)) {
      for (const candidate of known) {
        const isThere = taken.some(
          ({ name, version }) => name === candidate.name && version === candidate.version,
        )
        if (candidate.name === wanted && !isThere) taken.push(candidate)
      }
    }
  }
  const [, ...deps] = taken
  return [
    `package ${idOf(main)};${main.body}`,
    ...deps.map((dep) => `package ${idOf(dep)} {\n${dep.body}\n}`),
  ].join('\n')
}

/** The folder of the app's own WIT, or null. */
export async function ownWitFolder(app: string): Promise<string | null> {
  const folder = join(app, 'wit')
  const found = await stat(folder).catch(() => null)
  return found?.isDirectory() === true ? folder : null
}

/** @returns the names of the worlds that a text's main package declares, in its order */
export function worldsOf(source: string): string[] {
  const nested = source.search(/^package [^;\n]+\{$/m)
  const main = nested === -1 ? source : source.slice(0, nested)
  return [...main.matchAll(/^\s*world\s+%?([a-z][a-z0-9-]*)\s*\{/gim)].map((match) => match[1] ?? '')
}

async function readFolder(folder: string): Promise<WitPackage[]> {
  const deps = (await readdir(join(folder, 'deps')).catch(() => [])).sort()
  const main = await readPackage(folder, 'local:app')
  const others = await Promise.all(deps.map((name) => readPackage(join(folder, 'deps', name), null)))
  return [main, ...others].filter((found) => found !== null)
}

/** @param plainName what a package without a package line is called; null where it must have one */
async function readPackage(folder: string, plainName: string | null): Promise<WitPackage | null> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.wit')).sort()
  if (names.length === 0) return null
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  let id: string | undefined
  const bodies = texts.map((text) =>
    text.replace(/^package ([^;\n{]+);/m, (_, found: string) => {
      id = found.trim()
      return ''
    }),
  )
  const [name, version] = (id ?? plainName)?.split('@') ?? []
  if (name === undefined) throw buildProblems.error('ERR_WORLD', `no WIT file in ${folder} says its package`)
  return { name, version: version ?? null, body: bodies.join('\n') }
}

function idOf({ name, version }: WitPackage): string {
  return version === null ? name : `${name}@${version}`
}

/** Every `ns:name/` outside of comments. */
function packagesNamedIn(body: string): string[] {
  const code = body.replace(/\/\/[^\n]*/g, '')
  return [
    ...new Set([...code.matchAll(/([a-z][a-z0-9-]*:[a-z][a-z0-9-]*)\//gi)].map((match) => match[1] ?? '')),
  ]
}
