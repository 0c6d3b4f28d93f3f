import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { exposeState } from '../../../host/engine/core-state.ts'
import { takeImage, type HandleTables, type Image } from '../../../host/guest/restore.ts'
import { coreModule } from '../../guests/index.ts'
import { generatedOf, load, type LoadedGuest } from '../engine/glue-kit.ts'

const maxBytes = 64 * 1024 * 1024

/** Memory with data at both ends, one global of each numeric type, and ways to change all of it. */
const stateful = `(module
  (import "host" "shared" (global $shared i32))
  (memory 3)
  (data (i32.const 100) "first page")
  (data (i32.const 196600) "last")
  (global $i32 (mut i32) (i32.const -7))
  (global $constant i32 (i32.const 3))
  (global $i64 (mut i64) (i64.const 9007199254740993))
  (global $f32 (mut f32) (f32.const 1.5))
  (global $f64 (mut f64) (f64.const -0.0))
  (func (export "write") (param i32 i64) (i64.store (local.get 0) (local.get 1)))
  (func (export "set") (param i32 i64 f32 f64)
    (global.set $i32 (local.get 0)) (global.set $i64 (local.get 1))
    (global.set $f32 (local.get 2)) (global.set $f64 (local.get 3)))
  (func (export "grow") (drop (memory.grow (i32.const 1)))))`

interface Exposed {
  readonly instance: WebAssembly.Instance
  readonly prefix: string
}

async function instanceOf(wat: string): Promise<Exposed> {
  const exposed = exposeState(new Map([['a', await coreModule(wat)]]))
  if (exposed === null) throw new Error('not restorable')
  const module = new WebAssembly.Module(new Uint8Array(exposed.modules.get('a')!))
  return { instance: new WebAssembly.Instance(module, { host: { shared: 1 } }), prefix: exposed.prefix }
}

function imageOf({ instance, prefix }: Exposed, tables: HandleTables = []): Image {
  const image = takeImage({ instances: [instance], prefix, tables, maxBytes })
  if (image === null) throw new Error('no image')
  return image
}

function stateOf(instances: readonly WebAssembly.Instance[], prefix: string): unknown[] {
  return instances.flatMap(({ exports }) =>
    Object.entries(exports)
      .filter(([name]) => name.startsWith(prefix))
      .map(([name, item]) => [
        name,
        item instanceof WebAssembly.Memory
          ? Buffer.from(item.buffer).toString('base64')
          : (item as WebAssembly.Global).value,
      ]),
  )
}

describe('an image', () => {
  test('makes memory and globals those of a new instance, whatever was written', async () => {
    const used = await instanceOf(stateful)
    const image = imageOf(used)
    const fresh = await instanceOf(stateful)
    const expected = stateOf([fresh.instance], fresh.prefix)
    expect(expected).toHaveLength(5)
    const { write, set } = used.instance.exports as Record<string, (...args: unknown[]) => void>
    const any64 = fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
    const writes = fc.array(fc.tuple(fc.nat(3 * 65_536 - 8), any64), { maxLength: 50 })
    fc.assert(
      fc.property(writes, fc.tuple(fc.integer(), any64, fc.float(), fc.double()), (memory, globals) => {
        for (const [at, value] of memory) write!(at, value)
        set!(...globals)
        expect(image.restore()).toBe(true)
        expect(stateOf([used.instance], used.prefix)).toEqual(expected)
      }),
    )
  })

  test('keeps only what is not zero', async () => {
    expect(imageOf(await instanceOf(stateful)).sizeBytes).toBe(2 * 4_096)
  })

  test('is not put back over a memory that has grown, and changes nothing then', async () => {
    const used = await instanceOf(stateful)
    const image = imageOf(used)
    const { write, grow } = used.instance.exports as Record<string, (...args: unknown[]) => void>
    write!(8, 1n)
    grow!()
    const before = stateOf([used.instance], used.prefix)
    expect(image.canRestore()).toBe(false)
    expect(image.restore()).toBe(false)
    expect(stateOf([used.instance], used.prefix)).toEqual(before)
  })

  test('is not put back while a handle is open; otherwise the tables begin anew', async () => {
    let open = 1
    let resets = 0
    const tables = [{ open: () => open, reset: () => void (resets += 1) }]
    const image = imageOf(await instanceOf(stateful), tables)
    expect([image.restore(), resets]).toEqual([false, 0])
    open = 0
    expect([image.restore(), resets]).toEqual([true, 1])
  })

  test('is not taken of more than it may hold', async () => {
    const { instance, prefix } = await instanceOf(stateful)
    expect(takeImage({ instances: [instance], prefix, tables: [], maxBytes: 3 * 65_536 - 1 })).toBeNull()
  })

  test('is not taken of a global whose bits JavaScript does not keep', async () => {
    const { instance, prefix } = await instanceOf(
      '(module (global (mut f64) (f64.const nan:0x4000000000001)))',
    )
    expect(takeImage({ instances: [instance], prefix, tables: [], maxBytes })).toBeNull()
  })
})

describe('a component', () => {
  const disposed = Symbol.for('nodejs.dispose')
  class Resource {
    [disposed](): void {}
  }
  class Fields extends Resource {
    append(): void {}
  }
  class OutputStream extends Resource {
    blockingWriteAndFlush(): void {}
  }
  class OutgoingBody extends Resource {
    write(): OutputStream {
      return new OutputStream()
    }
    static finish(): void {}
  }
  class OutgoingResponse extends Resource {
    body(): OutgoingBody {
      return new OutgoingBody()
    }
  }
  class ResponseOutparam extends Resource {
    static set(): void {}
  }
  class IncomingRequest extends Resource {}

  async function started(): Promise<{ guest: LoadedGuest; prefix: string }> {
    const { tight, modules } = await generatedOf('hello-http')
    const exposed = exposeState(modules)!
    const guest = await load(tight.text, exposed.modules as ReadonlyMap<string, Uint8Array<ArrayBuffer>>, {
      'wasi:http/types': { Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam },
      'wasi:io/error': { Error: Resource },
      'wasi:io/streams': { OutputStream },
    })
    return { guest, prefix: exposed.prefix }
  }

  test('is after a thousand calls, each put back, what a new instance is', async () => {
    const { guest, prefix } = await started()
    const image = takeImage({ instances: guest.instances, prefix, tables: guest.tables!, maxBytes })!
    const handle = guest.exports['wasi:http/incoming-handler@0.2.12']!['handle']!
    for (let call = 0; call < 1_000; call += 1) {
      handle(new IncomingRequest(), new ResponseOutparam())
      expect(image.restore()).toBe(true)
    }
    const fresh = await started()
    expect(stateOf(guest.instances, prefix)).toEqual(stateOf(fresh.guest.instances, fresh.prefix))
  })

  test('gets the same handles in each call, so that they tell nothing of the one before', async () => {
    const { tight, modules } = await generatedOf('pry')
    const nothing = (): void => {}
    const exposed = exposeState(modules)!
    const guest = await load(tight.text, exposed.modules as ReadonlyMap<string, Uint8Array<ArrayBuffer>>, {
      'test:pry/host': {
        Thing: Resource,
        takeText: nothing,
        takeBytes: nothing,
        takeNumbers: nothing,
        takeLists: nothing,
        makeText: nothing,
        check: nothing,
      },
    })
    const { prefix } = exposed
    const image = takeImage({ instances: guest.instances, prefix, tables: guest.tables!, maxBytes })!
    const { make, drop } = guest.exports as Record<string, (value: number) => number>
    const first = [make!(1), make!(2), make!(3)]
    expect(image.restore()).toBe(false)
    for (const handle of first) drop!(handle)
    expect(image.restore()).toBe(true)
    expect([make!(1), make!(2), make!(3)]).toEqual(first)
  })
})
