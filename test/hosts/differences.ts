/** Tests that are known to go another way on a host than on the machine itself, and why. What is not here fails the run. */

export interface Difference {
  /** Names of hosts. */
  readonly hosts: readonly string[]
  readonly file: string
  /** Holds for tests whose full name it matches; all of the file where it is missing. */
  readonly test?: RegExp
  readonly why: string
}

export const differences: readonly Difference[] = []

/** @returns why the test may go another way there; null where it may not */
export function explanationOf(host: string, file: string, test: string): string | null {
  const found = differences.find(
    (one) => one.file === file && one.hosts.includes(host) && (one.test === undefined || one.test.test(test)),
  )
  return found?.why ?? null
}
