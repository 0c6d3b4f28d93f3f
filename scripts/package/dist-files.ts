/** Every file that may be in dist/, and why it is: what has no line here is not packed, and the build says so. */
interface DistFile {
  readonly pattern: RegExp
  readonly why: string
}

export const distFiles: readonly DistFile[] = [
  {
    pattern: /^selvedge\.mjs$/,
    why: 'the start: says what is missing or too old, on any Node.js since 12.20',
  },
  { pattern: /^build\.json$/, why: 'the files of this build, for the start' },
  { pattern: /^program\.mjs$/, why: 'what every command needs' },
  { pattern: /^daemon\.cjs$/, why: 'the node, in one script: `up`' },
  {
    pattern: /^selvedge-[A-Z0-9]{8}\.mjs$/,
    why: 'the engine, the builders and drivers, each loaded when used',
  },
  { pattern: /^prepare\.(mjs|json)$/, why: 'transpiles a component, in a process of its own' },
  {
    pattern: /^js-component-bindgen-component\.core2?\.wasm$/,
    why: 'jco’s generator: every node transpiles for itself, as nobody’s JavaScript is taken over the mesh',
  },
  { pattern: /^sandbox\.mjs$/, why: 'a sandbox in a thread' },
  {
    pattern: /^sandbox-process\.mjs$/,
    why: 'a sandbox in a process, which may read this one file: it shares no chunk with others',
  },
  { pattern: /^sandbox-shared\.mjs$/, why: 'small apps of one publisher in one thread' },
  { pattern: /^glue-compiler\.mjs$/, why: 'compiles glue off the main thread' },
  {
    pattern: /^(storage|replicas|queue)\.mjs$/,
    why: 'a thread for SQLite: what apps store, share, and wait for',
  },
  { pattern: /^node-sqlite3-wasm\.wasm$/, why: 'SQLite for Node.js before 22.5' },
  { pattern: /^patch\.mjs$/, why: 'makes and applies patches, in a thread' },
  { pattern: /^zstd\.wasm$/, why: 'zstd with a dictionary, which Node.js before 22.15 lacks' },
]

export function whyInDist(name: string): string | null {
  return distFiles.find(({ pattern }) => pattern.test(name))?.why ?? null
}
