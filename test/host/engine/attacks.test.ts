/** Guests that attack their host from inside, in every kind of sandbox, with a neighbour that must not feel it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { digestOf } from '../../../core/index.ts'
import type { Sandbox, StartRequest } from '../../../host/engine/index.ts'
import { coreModule } from '../../guests/index.ts'
import {
  event,
  everything,
  handle,
  log,
  logging,
  makeEngine,
  offered,
  preparedOnce,
  startGuest,
} from './kit.ts'

const memoryBytes = 16 * 1024 * 1024

/** Long enough for what ends by itself; what runs until its deadline need not be given so long. */
const deadlineMs = 3_000
const endlessDeadlineMs = 1_000

/** A component with one core module `$m` that exports `run`; `imports` are functions of it, lowered as `a`. */
const simple = (body: string, rest = ''): string => `(component
  (core module $m ${rest} (func (export "run") ${body}))
  (core instance $i (instantiate $m))
  (func (export "run") (canon lift (core func $i "run"))))`

/** Returns a value of `type` that lies at 0 of its memory, which `body` fills. */
const returning = (type: string, body: string, pages = 64): string => `(component
  (core module $m (memory (export "m") ${pages}) (func (export "run") (result i32) ${body} i32.const 0))
  (core instance $i (instantiate $m))
  (func (export "run") (result ${type}) (canon lift (core func $i "run") (memory (core memory $i "m")))))`

/** Calls the log with a parameter of any type it likes, flat as two words. */
const logs = (type: string, body: string, rest = ''): string => `(component (type $t ${type})
  (import "${logging}" (instance $log (export "log" (func (param "x" $t)))))
  (core module $mem (memory (export "m") 64)) (core instance $mem (instantiate $mem))
  (alias core export $mem "m" (core memory $m))
  (core func $l (canon lower (func $log "log") (memory $m)))
  (core module $b (import "m" "m" (memory 1)) (import "a" "b" (func $log (param i32 i32))) ${rest}
    (func (export "run") ${body}))
  (core instance $i (instantiate $b (with "m" (instance $mem)) (with "a" (instance (export "b" (func $l))))))
  (func (export "run") (canon lift (core func $i "run"))))`

const pair = (pointer: number, length: number): string =>
  `(i32.store (i32.const 0) (i32.const ${pointer})) (i32.store (i32.const 4) (i32.const ${length}))`

/** Of resource types, each filled with handles. */
function hoard(types: number): string {
  const each = (text: (index: number) => string): string =>
    Array.from({ length: types }, (_, i) => text(i)).join(' ')
  return `(component
    ${each((i) => `(type $r${i} (resource (rep i32))) (core func $n${i} (canon resource.new $r${i}))`)}
    (core module $m ${each((i) => `(import "a" "n${i}" (func $n${i} (param i32) (result i32)))`)}
      (func (export "run") (loop $l ${each((i) => `(drop (call $n${i} (i32.const 1)))`)} (br $l))))
    (core instance $i (instantiate $m (with "a" (instance ${each((i) => `(export "n${i}" (func $n${i}))`)}))))
    (func (export "run") (canon lift (core func $i "run"))))`
}

const attacks: readonly (readonly [string, string, RegExp])[] = [
  ['loops for ever', simple('(loop $l (br $l))'), /^ERR_APP_DEADLINE: .*did not return within/],
  [
    'overflows the stack',
    simple('(call $f)', '(func $f (call $f) (call $f))'),
    /^ERR_APP_TRAP: .*stack overflow/,
  ],
  [
    'grows its memory for ever',
    simple(
      '(loop $l (br_if $l (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) unreachable',
      '(memory 1)',
    ),
    /^ERR_APP_MEMORY/,
  ],
  [
    'grows ninety tables as far as they go',
    simple(
      Array.from(
        { length: 90 },
        (_, i) => `(drop (table.grow ${i} (ref.null func) (i32.const 999000)))`,
      ).join(' ') +
        // What none of them had room for was refused; together they hold what one may.
        Array.from(
          { length: 90 },
          (_, i) => `(if (i32.gt_u (table.size ${i}) (i32.const 1)) (then unreachable))`,
        ).join(' '),
      '(table 1 funcref)'.repeat(90),
    ),
    /^undefined$/,
  ],
  [
    'makes two instances of a module with a table',
    `(component (core module $t (table 999999 funcref)) ${'(core instance (instantiate $t))'.repeat(20)})`,
    /^ERR_APP_START: .*used twice/,
  ],
  ['holds handles of one type', hoard(1), /^ERR_APP_TRAP: .*65536 handles of one type/],
  ['holds handles of sixty types', hoard(60), /^ERR_APP_TRAP: .*262144 handles/],
  [
    'returns four million values',
    returning('(list (result))', pair(16, 4_000_000)),
    /^ERR_APP_TRAP: .*more values than a sandbox can hold/,
  ],
  [
    'returns lists that are all the same million values',
    returning(
      '(list (list (result)))',
      `(local $i i32) (loop $l (i32.store (i32.add (i32.const 8) (i32.shl (local.get $i) (i32.const 3))) (i32.const 8)) (i32.store (i32.add (i32.const 12) (i32.shl (local.get $i) (i32.const 3))) (i32.const 1000000)) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 1000)))) ${pair(8, 1_000)}`,
    ),
    /^ERR_APP_TRAP: .*(more values than|discriminant)/,
  ],
  [
    'returns a list that ends behind its memory',
    returning('(list u8)', pair(65_536, 0x7fffffff)),
    /^ERR_APP_TRAP: .*out of bounds/,
  ],
  [
    'returns text that is larger than a value may be',
    returning('string', pair(8, 4_190_000)),
    /^ERR_APP_TRAP: .*larger than/,
  ],
  [
    'returns text that is no text',
    returning('string', `${pair(8, 4)} (i32.store (i32.const 8) (i32.const 0xffffffff))`),
    /^ERR_APP_TRAP: .*not UTF-8/,
  ],
  [
    'hands its host four million values',
    logs('(list (result))', '(call $log (i32.const 0) (i32.const 4000000))'),
    /^ERR_APP_TRAP: .*more values than/,
  ],
  [
    'hands its host the same text a thousand times',
    logs(
      '(list string)',
      `(local $i i32) (loop $l (i32.store (i32.shl (local.get $i) (i32.const 3)) (i32.const 0)) (i32.store offset=4 (i32.shl (local.get $i) (i32.const 3)) (i32.const 4000000)) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 1000)))) (call $log (i32.const 0) (i32.const 1000))`,
    ),
    /^ERR_APP_TRAP: .*(again and again|UTF-8)/,
  ],
  [
    'logs ten million lines',
    logs(
      'string',
      '(local $i i32) (loop $l (call $log (i32.const 0) (i32.const 40)) (local.set $i (i32.add (local.get $i) (i32.const 1))) (br_if $l (i32.lt_u (local.get $i) (i32.const 10000000))))',
    ),
    /^undefined$|^ERR_APP_DEADLINE/,
  ],
  [
    'uses its log with a number for text',
    logs('(tuple u32 u32)', '(call $log (i32.const 1) (i32.const 2))'),
    /^undefined$|^ERR_APP_HOST_FAULT: .*log/,
  ],
]

describe.each(['worker', 'process', 'shared'] as const)('in a %s, a guest that', (isolation) => {
  const engine = makeEngine({ instantiateMs: 2_000 }, preparedOnce, isolation)
  /** One for all attacks: it outlives them. */
  let neighbour: Sandbox
  let asked = 0n
  beforeAll(async () => {
    neighbour = await startGuest(engine, 'echo', { publisher: 'neighbour', deadlineMs: 30_000 })
  })
  afterAll(() => engine.stop())

  async function start(text: string, changes: Partial<StartRequest> = {}): Promise<Sandbox> {
    const bytes = await coreModule(text)
    const request = {
      bytes,
      digest: digestOf(bytes),
      granted: everything,
      offered,
      requiredExports: [],
      memoryBytes,
    }
    const prepared = await engine.prepare(request)
    const imports = [log(() => {})]
    return engine.start({ app: 'hostile', prepared, imports, deadlineMs, memoryBytes, ...changes })
  }

  test.each(attacks)('%s is ended or held, and its neighbour answers', async (_, text, expected) => {
    const attack = async (): Promise<string> => {
      try {
        const isEndless = expected.source.includes('ERR_APP_DEADLINE')
        const terms = { publisher: 'hostile', deadlineMs: isEndless ? endlessDeadlineMs : deadlineMs }
        return String(await (await start(text, terms)).call('run', []))
      } catch (error) {
        const { code, message } = error as { code: string; message: string }
        return `${code}: ${message}`
      }
    }
    const attacked = attack()
    const over = { is: false }
    void attacked.then(() => (over.is = true))
    do {
      await neighbour.call(handle, [event(1, (asked += 1n))])
      await new Promise((resolve) => setTimeout(resolve, 5))
    } while (!over.is)
    expect(await attacked).toMatch(expected)
    await neighbour.call(handle, [event(1)])
    expect(neighbour.incident).toBeNull()
  })

  test('answers with fields that are called as what every object has only answers', async () => {
    const names = [
      'constructor',
      'to-string',
      'value-of',
      'then',
      'payload',
      'has-own-property',
      'tag',
      'length',
    ]
    const fields = names.map((field) => `(field "${field}" u8)`).join(' ')
    const component = `(component
      (core module $m (memory (export "m") 1) (data (i32.const 0) "\\01\\02\\03\\04\\05\\06\\07\\08")
        (func (export "run") (result i32) i32.const 0) (func (export "fail") (result i32) (i32.store8 (i32.const 15) (i32.const 1)) (i64.store align=1 (i32.const 16) (i64.load (i32.const 0))) i32.const 15))
      (core instance $i (instantiate $m))
      (import "a:b/odd" (instance $odd (type $record (record ${fields})) (export "odd" (type (eq $record)))))
      (alias export $odd "odd" (type $r))
      (func (export "run") (result $r) (canon lift (core func $i "run") (memory (core memory $i "m"))))
      (func (export "fail") (result (result u8 (error $r))) (canon lift (core func $i "fail") (memory (core memory $i "m")))))`
    const sandbox = await start(component)
    const value = [
      'constructor',
      'toString',
      'valueOf',
      'then',
      'payload',
      'hasOwnProperty',
      'tag',
      'length',
    ].map((field, index) => [field, index + 1])
    const answer = await sandbox.call('run', [])
    expect(Object.entries(answer as object)).toEqual(value)
    expect(Object.getPrototypeOf(answer)).toBe(Object.prototype)
    const failure = (await sandbox.call('fail', []).catch((error: unknown) => error)) as { payload: object }
    expect(Object.entries(failure.payload)).toEqual(value)
    expect(({} as Record<string, unknown>)['payload']).toBeUndefined()
    await sandbox.stop()
  })
})
