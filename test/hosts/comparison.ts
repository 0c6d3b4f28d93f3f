/** What a host's results are beside those of the machine itself: the same, another for a known reason, or another. */
import { explanationOf } from './differences.ts'
import type { Results } from './suite-run.ts'

export interface Compared {
  readonly passed: number
  /** Skipped here as well. */
  readonly skipped: number
  /** By reason, how many tests. */
  readonly explained: ReadonlyMap<string, number>
  readonly unexplained: readonly Unexplained[]
}

export interface Unexplained {
  readonly file: string
  readonly test: string
  readonly message: string
}

export function compare(host: string, reference: Results, results: Results): Compared {
  const explained = new Map<string, number>()
  const unexplained: Unexplained[] = []
  let passed = 0
  let skipped = 0
  for (const [file, expected] of reference) {
    const found = new Map((results.get(file) ?? []).map((result) => [result.name, result]))
    for (const { name, state } of expected) {
      const result = found.get(name)
      found.delete(name)
      if (result?.state === state && state !== 'fail') {
        if (state === 'pass') passed += 1
        else skipped += 1
        continue
      }
      // It runs there and not here: more than was asked for.
      if (result?.state === 'pass' && state === 'skip') {
        passed += 1
        continue
      }
      note(
        file,
        name,
        result === undefined ? 'it did not run' : (result.message ?? `${result.state}, here ${state}`),
      )
    }
    // What belongs to no test: a file that does not load, a process that died.
    for (const { name, state, message } of found.values())
      if (state === 'fail') note(file, name, message ?? '')
  }
  return { passed, skipped, explained, unexplained }

  function note(file: string, test: string, message: string): void {
    const why = explanationOf(host, file, test)
    if (why === null) unexplained.push({ file, test, message })
    else explained.set(why, (explained.get(why) ?? 0) + 1)
  }
}
