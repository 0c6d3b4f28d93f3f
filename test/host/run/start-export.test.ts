/** Which export of a file `selvedge run` starts. */
import { expect, test } from 'vitest'
import { startOf } from '../../../host/run/start-export.ts'

test('a command is started by its wasi:cli/run, whichever version that has', () => {
  expect(startOf({ exports: ['wasi:cli/run@0.2.3'] }, 'a.wasm')).toBe('wasi:cli/run@0.2.3#run')
  expect(startOf({ exports: ['wasi:cli/run@0.3.0'] }, 'a.wasm')).toBe('wasi:cli/run@0.3.0#run')
})

test('the asynchronous one is the program’s own where both are exported, in whatever order', () => {
  const exports = ['wasi:cli/run@0.2.0', 'wasi:cli/run@0.3.0']
  expect(startOf({ exports }, 'a.wasm')).toBe('wasi:cli/run@0.3.0#run')
  expect(startOf({ exports: exports.toReversed() }, 'a.wasm')).toBe('wasi:cli/run@0.3.0#run')
})

test.each([
  'wasi:http/incoming-handler@0.2.0',
  'wasi:http/handler@0.3.0',
  'selvedge:edge/http-handler@0.1.0',
])('a file that only answers requests through %s is said to be one for `serve`', (handler) => {
  expect(() => startOf({ exports: [handler] }, 'a.wasm')).toThrow(
    expect.objectContaining({
      code: 'ERR_NOT_A_COMMAND',
      hint: expect.stringContaining('selvedge serve a.wasm'),
    }),
  )
})

test('a file that exports nothing is told so', () => {
  expect(() => startOf({ exports: [] }, 'a.wasm')).toThrow(/it exports nothing/)
})
