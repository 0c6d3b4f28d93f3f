/** A sandbox's world in one thread: a line whose channels lead to functions of the test, and a guest's glue. */
import { compileFunction } from 'node:vm'
import { generateGlue } from '../../../../host/engine/transpiler.ts'
import { tighten } from '../../../../host/engine/glue.ts'
import { outlineOf } from '../../../../host/engine/component-reader.ts'
import { SandboxChannel } from '../../../../host/engine/sandbox/host-channel.ts'
import type { HostChannel } from '../../../../host/engine/contract.ts'
import { ChannelEnd } from '../../../../host/guest/channel-end.ts'
import { LineChannel } from '../../../../host/guest/guest-channel.ts'
import { createIo } from '../../../../host/guest/io/index.ts'
import type { GuestChannel, HostLine } from '../../../../host/guest/line.ts'
import { p3Part } from '../../../../host/guest/p3/index.ts'
import { Readiness } from '../../../../host/guest/readiness.ts'
import type {
  GuestExports,
  GuestImports,
  Part,
  PartContext,
  PartSettings,
} from '../../../../host/guest/part.ts'
import { wasiParts } from '../../../../host/guest/parts.ts'
import { systemClock } from '../../../../core/index.ts'

/** Serves a channel that the guest opened. */
export type Serve = (id: string, name: string, args: readonly unknown[], channel: HostChannel) => void

export interface World {
  readonly part: Part
  readonly context: PartContext
  readonly readiness: Readiness
  /** A channel of the node's making, both ends. */
  channel(): { readonly guest: GuestChannel; readonly node: HostChannel }
  /** What was posted, `[stream, line]` for standard output. */
  readonly posts: (readonly unknown[])[]
  /** Resources that the guest holds. */
  held(): number
  instantiate(component: Uint8Array): Promise<GuestExports>
}

export function makeWorld(serve: Serve = () => {}, settings: Partial<PartSettings> = {}): World {
  const readiness = new Readiness(systemClock)
  const posts: (readonly unknown[])[] = []
  let number = 1
  let held = 0
  const channel = (): { guest: GuestChannel; node: HostChannel } => {
    const id = number++
    const toNode: ChannelEnd = new ChannelEnd(id, (message) =>
      queueMicrotask(() => void node.accept(message)),
    )
    const fromNode: ChannelEnd = new ChannelEnd(id, (message) =>
      queueMicrotask(() => {
        toNode.accept(message)
        readiness.check()
      }),
    )
    const node: SandboxChannel = new SandboxChannel(fromNode, () => {})
    return { guest: new LineChannel(toNode, () => {}), node }
  }
  const line: HostLine = {
    call: () => undefined,
    post: (_id, _name, args) => void posts.push(args),
    open(id, name, args) {
      const { guest, node } = channel()
      serve(id, name, args, node)
      return guest
    },
    wait() {
      throw new Error('the thread of an asynchronous guest must not sleep')
    },
    poll() {},
    asleep: (run) => run(),
    whenReady: (waitable) => readiness.whenReady(waitable),
  }
  const hold = (): (() => void) => {
    held += 1
    let isHeld = true
    return () => {
      if (isHeld) held -= 1
      isHeld = false
    }
  }
  const context: PartContext = {
    line,
    hold,
    handles: { take: () => (held += 1), giveBack: () => (held -= 1) },
    held: () => held,
    io: createIo(line, hold),
    settings: {
      args: [],
      env: [],
      preopens: [],
      stdio: 'lines',
      terminal: { stdin: false, stdout: false, stderr: false },
      lineChars: 4_096,
      ...settings,
    },
  }
  const part = p3Part.create(context)
  const imports: GuestImports = { ...part.imports }
  for (const kind of wasiParts) Object.assign(imports, kind.create(context).imports)
  return {
    part,
    context,
    readiness,
    channel,
    posts,
    held: () => held,
    instantiate: (bytes) => instantiate(bytes, imports),
  }
}

type Instantiate = (
  getCoreModule: (name: string) => WebAssembly.Module,
  imports: GuestImports,
  instantiateCore: (module: WebAssembly.Module, imports?: WebAssembly.Imports) => WebAssembly.Instance,
) => Promise<GuestExports>

/** As the sandbox does it, with the glue that the engine makes. */
async function instantiate(component: Uint8Array, imports: GuestImports): Promise<GuestExports> {
  const { glue, modules } = await generateGlue(component, {
    isAsync: true,
    imports: outlineOf(component).imports,
  })
  const body = tighten(Buffer.from(glue).toString('utf8'))
    .text.replace(/^\s*export (?=function instantiate\b|const _util\b)/gm, '')
    .replaceAll('import.meta.url', "'component.js'")
  const make = compileFunction(`'use strict';\n${body}\nreturn instantiate`, [], { filename: 'component.js' })
  return (make as () => Instantiate)()(
    (name) => new WebAssembly.Module(modules.get(name) ?? new Uint8Array()),
    imports,
    (module, coreImports) => new WebAssembly.Instance(module, coreImports),
  )
}

/** Why tests of running guests are skipped here; false where they are not. */
export const withoutSuspending =
  'Suspending' in WebAssembly
    ? false
    : `Node.js ${process.version} cannot suspend a guest (JSPI, Node.js 24 and later)`
