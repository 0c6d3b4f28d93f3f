/**
 * StarlingMonkey through ComponentizeJS: the JavaScript engine of Firefox, with the web's interfaces. A handler of
 * wasi:http is `addEventListener('fetch', …)`, or an export `incomingHandler` that takes WASI's resources. Only the
 * latter can answer more than one request per instance: the engine has one fetch event in its life.
 */
import type { ScriptEngine } from './typescript-engine.ts'
import type { WorldTypes } from './typescript-types.ts'

/** The patch level of WASI that the engine was linked with; only with its own can a world be merged. */
const engineWasi = '0.2.10'
const webHandler = 'wasi:http/incoming-handler@'

export const starlingmonkey: ScriptEngine = {
  name: 'starlingmonkey',
  title: 'StarlingMonkey',
  plainValues: false,
  // `addEventListener('fetch', …)` is no export.
  provides: (id) => id.startsWith(webHandler),
  tools: [{ name: '@bytecodealliance/componentize-js', entry: '.' }],
  async build([tool], { script, scriptExports, witSource, world, types }) {
    const { component } = await (tool as Tool).componentize(atEngineWasi(script), atEngineWasi(witSource), {
      sourceName: 'app.js',
      worldName: world,
      disableFeatures: unusedFeatures(types, script, scriptExports),
    })
    return new Uint8Array(component)
  },
}

/** A release 0.2.x of WASI only adds to those before it, so a node links either. */
function atEngineWasi(text: string): string {
  return text.replace(
    /(wasi:(?:cli|clocks|filesystem|http|io|random|sockets)(?:\/[a-z-]+)?@)0\.2\.\d+(?![\d-])/g,
    `$1${engineWasi}`,
  )
}

/**
 * What a world does not mention is left out: an import that an app has no use for needs no grant. With `http` the
 * functions of wasi:http go as well, so an app that calls them itself keeps it, wasi:http/outgoing-handler included.
 */
function unusedFeatures(
  { imports, exports }: WorldTypes,
  script: string,
  scriptExports: readonly string[],
): string[] {
  const asks =
    imports.some((id) => id.startsWith('wasi:http/outgoing-handler@')) || script.includes('"wasi:http/')
  const answers = exports.some(({ id, name }) => id.startsWith(webHandler) && !scriptExports.includes(name))
  return [...(asks ? [] : ['http']), ...(answers ? [] : ['fetch-event'])]
}

interface Tool {
  componentize(
    script: string,
    witWorld: string,
    options: { sourceName: string; worldName: string; disableFeatures: string[] },
  ): Promise<{ component: Uint8Array }>
}
