// What one version of Node.js has built in, by name, as JSON: `node api-surface.mjs`. older-apis.json is made of two
// of them, so that the bundle can be searched for what the oldest that we run on lacks:
//
//   node scripts/package/api-surface.mjs OLD_NODE NEW_NODE > scripts/package/older-apis.json
import { execFileSync } from 'node:child_process'
import { builtinModules } from 'node:module'
import { fileURLToPath } from 'node:url'

/** Objects with functions on them. */
const holders = ['Math', 'JSON', 'Reflect', 'Atomics', 'WebAssembly', 'Intl', 'process']
/** Own names of a value; what a getter throws is of no interest. */
const namesOf = (value) => (Object(value) === value ? Object.getOwnPropertyNames(value) : [])
const valueOf = (holder, name) => {
  try {
    return holder[name]
  } catch {
    return undefined
  }
}

async function surface() {
  const globals = Object.getOwnPropertyNames(globalThis)
  const [statics, methods] = [{}, {}]
  for (const name of globals) {
    const value = valueOf(globalThis, name)
    if (typeof value === 'function' || holders.includes(name)) statics[name] = namesOf(value)
    if (typeof value === 'function') methods[name] = namesOf(valueOf(value, 'prototype'))
  }
  // Classes without a name of their own.
  const hidden = { ArrayIterator: [][Symbol.iterator](), TypedArray: new Uint8Array(0) }
  for (const [name, value] of Object.entries(hidden)) {
    const inherited = Object.getPrototypeOf(Object.getPrototypeOf(value))
    methods[name] = namesOf(inherited)
  }
  for (const name of namesOf(WebAssembly))
    methods[`WebAssembly.${name}`] = namesOf(valueOf(WebAssembly[name], 'prototype'))
  const modules = {}
  for (const name of builtinModules) {
    if (name.startsWith('_') || name.startsWith('node:')) continue
    modules[name] = Object.keys(await import(`node:${name}`))
  }
  return { version: process.version, globals, statics, methods, modules }
}

const surfaceOf = (node) => {
  const args = ['--no-warnings', fileURLToPath(import.meta.url)]
  return JSON.parse(execFileSync(node, args, { maxBuffer: 1 << 26 }).toString())
}
const without = (all, some) => all.filter((name) => !some.includes(name)).sort()
const record = (entries) => Object.fromEntries(entries.filter(([, names]) => names.length > 0).sort())

const [older, newer] = process.argv.slice(2)
if (older === undefined || newer === undefined) console.log(JSON.stringify(await surface()))
else {
  const [was, is] = [surfaceOf(older), surfaceOf(newer)]
  // A name that the older has on anything of its own cannot be told from its newer namesake in a text.
  const known = [was.methods, was.statics, was.modules].flatMap((holder) => Object.values(holder).flat())
  // Of classes that both have: who has no object of a class calls none of its methods.
  const both = Object.entries(is.methods).filter(([name]) => name in was.methods)
  console.log(
    JSON.stringify(
      {
        has: was.version,
        beside: is.version,
        builtins: Object.keys(was.modules).sort(),
        globals: without(is.globals, was.globals),
        statics: record(
          Object.entries(is.statics)
            .filter(([name]) => name in was.statics)
            .map(([name, names]) => [name, without(names, was.statics[name])]),
        ),
        methods: [...new Set(both.flatMap(([, names]) => without(names, known)))].sort(),
        modules: record(
          Object.entries(is.modules).map(([name, names]) => [name, without(names, was.modules[name] ?? [])]),
        ),
      },
      null,
      1,
    ),
  )
}
