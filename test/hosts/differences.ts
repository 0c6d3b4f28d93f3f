/** Tests that are known to go another way on a host than on the machine itself, and why. What is not here fails the run. */

export interface Difference {
  /** Names of hosts. */
  readonly hosts: readonly string[]
  readonly file: string
  /** Holds for tests whose full name it matches; all of the file where it is missing. */
  readonly test?: RegExp
  readonly why: string
}

export const differences: readonly Difference[] = [
  {
    hosts: ['s390x'],
    file: 'test/core/codec/cbor.test.ts',
    test: /gives back every value that was encoded|accepts no second encoding of anything/,
    why: 'fast-check draws fractions by typed arrays that take a little-endian machine, and hands out infinities that the test excludes',
  },
  {
    hosts: ['s390x'],
    file: 'test/host/queue/queue.test.ts',
    test: /SQLite \(wasm\)|on its thread/,
    why: 'SQLite as WebAssembly takes a little-endian machine; Node.js has one of its own from 22.13 on, and says so here (ERR_STORAGE_BYTE_ORDER)',
  },
]

/** @returns why the test may go another way there; null where it may not */
export function explanationOf(host: string, file: string, test: string): string | null {
  const found = differences.find(
    (one) => one.file === file && one.hosts.includes(host) && (one.test === undefined || one.test.test(test)),
  )
  return found?.why ?? null
}
