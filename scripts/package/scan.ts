/**
 * What a bundle must not have: native code, packages that are looked for beside it, and names that the oldest Node.js we
 * run on lacks and core/compat.ts does not bring.
 *
 * It searches the text for names that Node.js got later (older-apis.json, taken from two versions of Node.js), so what is
 * behind a question is found too: that has a line in `asked`, with who asks.
 */
import older from './older-apis.json' with { type: 'json' }
import { optionalPackages, asked } from './scan-exceptions.ts'
import type { PackageFile } from './package-file.ts'

/** Of executables and libraries: ELF, Mach-O, PE. */
const nativeStarts = ['7f454c46', 'cffaedfe', 'feedface', 'feedfacf', '4d5a']

const compatName = /^define\(\s*(\w+)(\.prototype)?,\s*'(\w+)'/gm

/** @returns a line for each thing that is wrong; @param compat the text of core/compat.ts */
export function scan(files: readonly PackageFile[], compat: string): string[] {
  const brought = broughtBy(compat)
  const scripts = files.filter(({ name }) => /\.[mc]js$/.test(name)).map(({ bytes }) => textOf(bytes))
  // Who defines a method of that name means that one, as far as a text can tell.
  const methods = older.methods.filter((name) => !scripts.some((text) => definition(name).test(text)))
  return files.flatMap(({ name, bytes }) => {
    if (name.endsWith('.node') || isNative(bytes)) return [`${name} is native code`]
    if (!/^dist\/.*\.[mc]js$/.test(name)) return []
    const text = textOf(bytes)
    return [...foreignImports(text), ...newerNames(text, brought, methods)].map(
      (fault) => `${name}: ${fault}`,
    )
  })
}

function isNative(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4)).toString('hex')
  return nativeStarts.some((known) => start.startsWith(known))
}

/** Names that compat.ts defines: globals as `File`, statics as `Promise.withResolvers`, methods as `.toSorted`. */
function broughtBy(compat: string): ReadonlySet<string> {
  const names = [...compat.replaceAll('\n', ' ').replaceAll('define(', '\ndefine(').matchAll(compatName)]
  return new Set(
    names.map(([, holder = '', prototype, name = '']) =>
      holder === 'globalThis' ? name : prototype === undefined ? `${holder}.${name}` : `.${name}`,
    ),
  )
}

/** Imports and requires of what is neither Node's, nor beside it, nor asked for with an answer ready. */
function foreignImports(text: string): string[] {
  const specifiers = [
    ...text.matchAll(
      /(?:\bfrom|(?<=^|[;}\n])import|\brequire\(|(?:\b|__)import\()\s*(["'])(@?[\w.][\w./:-]*|node:\w+)\1/g,
    ),
  ].map((match) => match[2] ?? '')
  const faults = specifiers.flatMap((specifier) => {
    if (specifier.endsWith('.node')) return [`loads the addon ${specifier}`]
    if (specifier.startsWith('.') || older.builtins.includes(specifier.replace(/^node:/, ''))) return []
    return specifier in optionalPackages ? [] : [`imports ${specifier}, which is not in the package`]
  })
  return [...new Set(faults)]
}

/** `name(…){` of a class or an object, `name:…=>` and `name:function`. */
function definition(name: string): RegExp {
  return new RegExp(`(?<![.\\w$])${name}(\\([^()]*\\)\\{|:(async)?(\\([^()]*\\)=>|[\\w$]+=>|function))`)
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('utf8')
}

function newerNames(text: string, brought: ReadonlySet<string>, methods: readonly string[]): string[] {
  const found = new Set<string>()
  const isFine = (name: string): boolean => brought.has(name) || name in asked
  for (const [, list = '', module = ''] of text.matchAll(/import\{([^}]*)\}from"(?:node:)?([\w/]+)"/g)) {
    const newer = (older.modules as Readonly<Record<string, readonly string[]>>)[module] ?? []
    for (const name of list.split(',').map((part) => part.trim().split(' ')[0] ?? ''))
      if (newer.includes(name) && !isFine(`${module}:${name}`)) found.add(`${module}:${name}`)
  }
  for (const name of older.globals)
    if (!isFine(name) && new RegExp(`(?<![\\w$.\`'"#-])${name}(?![\\w$:'"\`-])`).test(text)) found.add(name)
  for (const [holder, names] of Object.entries(older.statics))
    for (const name of names as string[])
      if (!isFine(`${holder}.${name}`) && new RegExp(`\\b${holder}\\.${name}\\b`).test(text))
        found.add(`${holder}.${name}`)
  for (const name of methods)
    if (!isFine(`.${name}`) && new RegExp(`\\.${name}\\(`).test(text)) found.add(`.${name}`)
  return [...found].map((name) => `uses ${name}, which Node.js ${older.has} lacks`)
}
