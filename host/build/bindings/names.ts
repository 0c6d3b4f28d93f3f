/** WIT's kebab-case names as AssemblyScript spells them, clear of its keywords and of what generated code calls. */

/** What the compiler's parser takes for no name anywhere; tried out one by one against asc 0.28. */
const keywords: ReadonlySet<string> = new Set(
  (
    'abstract async await break case catch class const continue debugger declare default do else enum export ' +
    'extends false finally function if implements import in instanceof interface let new of override package ' +
    'private protected public readonly return static super switch this throw true try typeof var while with yield'
  ).split(' '),
)

/** Names of members, but not of functions and parameters. */
const memberKeywords: ReadonlySet<string> = new Set(
  (
    'arguments bool char delete eval f32 f64 for i16 i32 i64 i8 isize null number string symbol u16 u32 u64 u8 ' +
    'undefined usize v128 void'
  ).split(' '),
)

/** What generated code itself calls: a function of this name beside it would be called instead. */
const called: ReadonlySet<string> = new Set(
  'changetype heap idof isReference load memory offsetof reinterpret store unchecked unreachable'.split(' '),
)

const reservedTypes: ReadonlySet<string> = new Set(
  (
    'Array ArrayBuffer Map Math Number Object Set StaticArray String Uint8Array ' +
    'Resource Result Some Unit'
  ).split(' '),
)

/** A function or parameter of generated code: `sensor-event` becomes `sensorEvent`, `delete` becomes `delete_`. */
export function valueName(kebab: string): string {
  const name = exportedName(kebab)
  return called.has(name) ? `${name}_` : name
}

/** What the app's own files define. */
export function exportedName(kebab: string): string {
  const name = memberName(kebab)
  return memberKeywords.has(name) ? `${name}_` : name
}

/** A field, method or case. */
export function memberName(kebab: string): string {
  const [first = '', ...rest] = kebab.split('-').map(lower)
  const name = first + rest.map(capital).join('')
  return keywords.has(name) || name === 'constructor' || name === 'drop' ? `${name}_` : name
}

/** `sensor-event` becomes `SensorEvent`, `array` becomes `ArrayType`. */
export function typeName(kebab: string): string {
  const name = kebab.split('-').map(lower).map(capital).join('')
  return reservedTypes.has(name) || /^Tuple\d+$/.test(name) ? `${name}Type` : name
}

/** Acronyms are words: `DNS-timeout` becomes `dnsTimeout`. */
function lower(word: string): string {
  return word.toLowerCase()
}

export function capital(word: string): string {
  return word.slice(0, 1).toUpperCase() + word.slice(1)
}

/** A file's name: `wasi:io/streams@0.2.12` becomes `wasi-io-streams`. */
export function fileName(id: string): string {
  return id === '' ? 'world' : id.replace(/@.*$/, '').replace(/[:/]/g, '-')
}

/** Doc comment lines, indented as the code below them; nothing where there are no docs. */
export function docComment(docs: string, indent = ''): string[] {
  const text = docs.replaceAll('*/', '* /').trim()
  if (text === '') return []
  const lines = text.split('\n')
  if (lines.length === 1) return [`${indent}/** ${text} */`]
  return [`${indent}/**`, ...lines.map((line) => `${indent} * ${line}`.trimEnd()), `${indent} */`]
}
