/** What code could reach that ran in the place of jco's glue: a guest that got that far is still in a bare room. */
import { runInNewContext } from 'node:vm'
import { describe, expect, test } from 'vitest'
import { defaultLimits } from '../../../../host/engine/limits.ts'
import { findProgram } from '../../../../host/engine/program.ts'
import { bootOf } from '../../../../host/engine/sandbox/boot.ts'
import type { LinkFactory, SandboxLink } from '../../../../host/engine/sandbox/link.ts'
import { spawnProcess } from '../../../../host/engine/sandbox/process-link.ts'
import { SharedThreads } from '../../../../host/engine/sandbox/shared-link.ts'
import { spawnThread } from '../../../../host/engine/sandbox/thread-link.ts'
import type { ToHost } from '../../../../host/guest/index.ts'

/** Runs `body`, the text of an asynchronous function, as the only export of a component. */
async function runAsGlue(spawn: LinkFactory, body: string): Promise<unknown> {
  const text = `(function () {'use strict'
    return async function instantiate() { return { probe: async () => { ${body} } } } })`
  const request = { app: 'probe', imports: [], prepared: {} as never, deadlineMs: 1, memoryBytes: 1 }
  const boot = bootOf(request, { glue: { text, code: null }, restore: null } as never, [], defaultLimits)
  const program = await findProgram()
  let link: SandboxLink | null = null
  try {
    return await new Promise((resolve, reject) => {
      const take = (message: ToHost): void => {
        if (message.t === 'ready') link?.send([{ t: 'call', call: 1, target: 'probe', args: [] }])
        if (message.t === 'result') resolve((message.outcome as { value?: unknown }).value)
        if (message.t === 'start-failed' || message.t === 'failed') reject(new Error(message.message))
      }
      const events = {
        batch: (batch: readonly ToHost[]) => batch.forEach(take),
        ended: (_: string, message: string) => reject(new Error(message)),
        printed: () => {},
      }
      link = spawn({ program, limits: defaultLimits, preopens: [], events })
      link.send([{ t: 'boot', boot }])
    })
  } finally {
    await (link as SandboxLink | null)?.terminate()
  }
}

/** Ways to the machine; each gives something, throws, or gives nothing. */
const ways: Readonly<Record<string, string>> = {
  'a module by its name': `process.getBuiltinModule('node:net')`,
  'an import': `import('node:net')`,
  'an import in new code': `new Function('return import("node:net")')()`,
  'an import in code that nobody calls': `Promise.resolve('import("node:net")').then(eval)`,
  require: `require('node:net')`,
  'the main module': `process.mainModule.require`,
  'a binding': `process.binding('tcp_wrap')`,
  'a binding of an embedder': `process._linkedBinding`,
  'an addon': `process.dlopen`,
  'a signal': `process.kill(process.ppid ?? process.pid, 0)`,
  'the inspector of another process': `process._debugProcess`,
  'another user': `process.setuid`,
  'another folder': `process.chdir`,
  'a report': `process.report.writeReport`,
  'the class of output': `process.stdout.constructor`,
  'the class of input': `process.stdin.constructor`,
  'the class of a console’s output': `console._stdout.constructor`,
  'a request': `fetch('http://127.0.0.1:1').catch((error) => error.cause)`,
  'a socket of the web': `new WebSocket('ws://127.0.0.1:1')`,
  'events of a server': `new EventSource('http://127.0.0.1:1')`,
  'other threads': `new BroadcastChannel('all')`,
  'a thread': `new Worker('data:,')`,
  'this of a frame': `(() => {
    Error.prepareStackTrace = (_, frames) => frames
    const found = new Error().stack.map((frame) => frame.getThis() ?? frame.getFunction())
    return found.find((it) => it !== undefined)
  })()`,
  'the process that was there': `(() => {
    delete globalThis.process
    return Object.keys(globalThis.process).find((name) => name.includes('inding'))
  })()`,
}

const places: readonly (readonly [string, LinkFactory])[] = [
  ['a thread', spawnThread],
  ['a process', spawnProcess],
  ['a shared thread', (options) => new SharedThreads().link('publisher', options)],
]

describe.each(places)('code in the place of glue, in %s', (_, spawn) => {
  test('reaches neither modules, signals, sockets nor other threads', async () => {
    const tries = Object.entries(ways).map(
      ([name, way]) =>
        `try { if (await (${way}) !== undefined) reached.push(${JSON.stringify(name)}) } catch {}`,
    )
    const reached = await runAsGlue(spawn, `const reached = []; ${tries.join('\n')}; return reached`)
    expect(reached).toEqual([])
  })

  test('still has what glue asks for', async () => {
    const asked = `[process.versions.node, String(process.env.JCO_DEBUG), typeof console.error,
      typeof WebAssembly.instantiate, typeof TextDecoder, typeof queueMicrotask]`
    expect(await runAsGlue(spawn, `return ${asked}`)).toEqual([
      process.versions.node,
      'undefined',
      ...Array.from({ length: 4 }, () => 'function'),
    ])
  })

  test('finds only globals that are known to reach nothing', async () => {
    const language = runInNewContext('Object.getOwnPropertyNames(globalThis)') as string[]
    const found = (await runAsGlue(spawn, 'return Object.getOwnPropertyNames(globalThis)')) as string[]
    const others = found.filter((name) => !language.includes(name) && !harmless.test(name))
    expect(others).toEqual([])
  })
})

/** Bytes, text, time, events and queues within one thread. `process` is what is left of it. */
const harmless = new RegExp(
  `^(${[
    'process|global|Buffer|Blob|File|atob|btoa|structuredClone|queueMicrotask|DOMException',
    '(clear|set)(Immediate|Interval|Timeout)|performance|Performance[A-Za-z]*|crypto|Crypto|CryptoKey|SubtleCrypto',
    'URL|URLSearchParams|URLPattern|Text(En|De)coder(Stream)?|(De)?[Cc]ompressionStream|Headers|FormData|Navigator|Storage',
    'AbortController|AbortSignal|Event|EventTarget|CustomEvent|MessageEvent|CloseEvent|MessageChannel|MessagePort',
    '(Readable|Writable|Transform|ReadableByte)Stream[A-Za-z]*|ByteLengthQueuingStrategy|CountQueuingStrategy',
    'ErrorEvent|QuotaExceededError|WebAssembly',
  ].join('|')})$`,
)
