/** What the scan of the bundle finds and what is known of it. */

/** Imports of what Node.js 18.20 or the package lacks, and what is done without. */
export const optionalPackages: Readonly<Record<string, string>> = {
  'node:sqlite': 'imported when it is wanted, and node-sqlite3-wasm.wasm takes its place',
  bufferutil: 'of ws, which the MQTT client takes for ws:// brokers: inside a try',
  'utf-8-validate': 'the same',
  '@node-rs/xxhash': 'of the Redis client, for a command that nothing here sends',
}

/** Newer names that are used where they are there, with who asks first. */
export const asked: Readonly<Record<string, string>> = {
  'WebAssembly.SuspendError': 'jco’s glue around its own generator, for imports that are async: it has none',
  'WebAssembly.Suspending': 'the same',
  'WebAssembly.promising': 'the same',
  CloseEvent: 'a class of ws, of that name',
  ErrorEvent: 'the same',
  Iterator: 'a class of bintrees, of that name',
  navigator: 'libp2p and debug ask typeof navigator, to tell a browser',
  localStorage: 'debug, inside a try',
  'Uint8Array.fromHex': '@noble/hashes asks typeof Uint8Array.fromHex',
  Temporal: 'smol-toml, for an option that nothing here sets',
  WebSocket: 'the NATS client, for ws:// addresses',
  '.detached': 'tweetnacl’s own, of the NATS client',
  'process.getBuiltinModule': 'the Redis client asks whether it is in process',
}
