/** Whose code is in the bundle, and under which licences: from esbuild's own account of what went into it. */
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** esbuild's metafile, as far as it matters here. */
export interface Metafile {
  readonly outputs: Readonly<
    Record<string, { readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>> }>
  >
}

interface Licensed {
  readonly name: string
  readonly version: string
  /** As its package.json says it, an SPDX expression. */
  readonly licence: string
  readonly texts: readonly string[]
}

/** Their WebAssembly is copied, whatever of their JavaScript is bundled. */
const copied = ['@bytecodealliance/jco-transpile', 'node-sqlite3-wasm', '@bokuweb/zstd-wasm']
const permissive =
  /^\(?((MIT|ISC|BSD-[23]-Clause|0BSD|Apache-2\.0( WITH LLVM-exception)?|Unlicense|CC0-1\.0|BlueOak-1\.0\.0)( (OR|AND) )?)+\)?$/

/** Folders of packages below `root`, as `node_modules/NAME` or deeper ones. */
export function bundledPackages({ outputs }: Metafile): string[] {
  const folders = new Set(copied.map((name) => `node_modules/${name}`))
  for (const { inputs } of Object.values(outputs)) {
    for (const [path, { bytesInOutput }] of Object.entries(inputs)) {
      const folder = /^(?:.*\/)?node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]
      if (folder !== undefined && bytesInOutput > 0) folders.add(folder)
    }
  }
  return [...folders].sort()
}

/** @throws where a package names no licence, or one that asks for more than to be named */
export function thirdParty(root: string, metafile: Metafile): { text: string; packages: number } {
  const found = new Map<string, Licensed>()
  for (const folder of bundledPackages(metafile)) {
    const one = read(join(root, folder))
    found.set(`${one.name} ${one.version}`, one)
  }
  const packages = [...found.values()].sort((a, b) => (a.name < b.name ? -1 : 1))
  const refused = packages.filter(({ licence }) => !permissive.test(licence))
  if (refused.length > 0) {
    const names = refused.map(({ name, licence }) => `${name} (${licence})`).join(', ')
    throw new Error(`the bundle has packages whose licences were not looked at: ${names}`)
  }
  return { text: render(packages), packages: packages.length }
}

function read(folder: string): Licensed {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as {
    name: string
    version: string
    license?: string
  }
  const texts = existsSync(folder)
    ? readdirSync(folder)
        .filter((file) => /^(licen[cs]e|copying|notice)/i.test(file) && !/\.[jt]s$/.test(file))
        .sort()
        .map((file) => readFileSync(join(folder, file), 'utf8').trim())
    : []
  return { name, version, licence: license ?? 'none named', texts }
}

/** Each text once, under the packages that have it. */
function render(packages: readonly Licensed[]): string {
  const byText = new Map<string, Licensed[]>()
  for (const one of packages) {
    const text = one.texts.join('\n\n') || `(It brings no text of its licence, ${one.licence}.)`
    byText.set(text, [...(byText.get(text) ?? []), one])
  }
  return [
    'Selvedge is licensed under Apache-2.0, see LICENSE. Its program contains code of these packages:',
    '',
    ...packages.map(({ name, version, licence }) => `  ${name} ${version}: ${licence}`),
    '',
    'js-component-bindgen-component.core.wasm is jco’s generator, Apache-2.0 WITH LLVM-exception, compiled from Rust with',
    'the crates of the Bytecode Alliance that it stands on. node-sqlite3-wasm.wasm contains SQLite, which is in the public',
    'domain. zstd.wasm is Zstandard, BSD-3-Clause, copyright Meta Platforms, Inc. and affiliates.',
    ...[...byText].flatMap(([text, of]) => [
      '',
      '='.repeat(78),
      ...of.map(({ name, version }) => `${name} ${version}`),
      '',
      text,
    ]),
    '',
  ].join('\n')
}
