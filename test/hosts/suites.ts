/**
 * The test files that every host runs: what depends on word size, byte order, the WebAssembly engine, the disk, or on how
 * fast a machine is. The same files as in `npm test`; few enough that all hosts have run them in minutes.
 */
const chosen = [
  'test/core/alarm.test.ts',
  'test/core/clock.test.ts',
  'test/core/codec/cbor.test.ts',
  'test/core/codec/cose.test.ts',
  'test/core/engine-flags.test.ts',
  'test/core/settlement.test.ts',
  'test/host/calls/values.test.ts',
  'test/host/engine/byte-order.test.ts',
  'test/host/engine/core-module.test.ts',
  'test/host/engine/core-state.test.ts',
  'test/host/engine/hot-code.test.ts',
  'test/host/guest/frames.test.ts',
  'test/host/guest/packing.test.ts',
  'test/host/guest/restore.test.ts',
  'test/host/queue/model.test.ts',
  'test/host/queue/queue.test.ts',
  'test/host/values/values.test.ts',
  'test/mesh/blobs/chunker.test.ts',
  'test/mesh/blobs/wire.test.ts',
  'test/mesh/heads/message.test.ts',
  'test/mesh/identity/key-file.test.ts',
  'test/mesh/identity/node-record.test.ts',
  'test/mesh/messages/batch.test.ts',
  'test/mesh/patches/patch.test.ts',
  'test/mesh/releases/signed-release.test.ts',
] as const

/** Of these, those that make a memory of WebAssembly with almost every test. */
const withManyMemories: ReadonlySet<string> = new Set([
  'test/host/guest/restore.test.ts',
  'test/host/queue/queue.test.ts',
  'test/mesh/patches/patch.test.ts',
])

export function makesManyMemories(file: string): boolean {
  return withManyMemories.has(file)
}

/** @param text only files with it in their path */
export function suiteFiles(text: string): string[] {
  return chosen.filter((path) => path.includes(text))
}
