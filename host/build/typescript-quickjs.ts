/**
 * QuickJS through componentize-qjs. The component keeps its WASI imports, all of which are harmless on a node, for
 * two reasons: the tool's stubs would take wasi:config and wasi:logging away as well, and Date would trap.
 */
import type { ScriptEngine } from './typescript-engine.ts'
import { withoutExport } from './typescript-init-export.ts'

/** The engine's own way in: it would evaluate any script it is given, once more and from outside. */
const initExport = 'init'

export const quickjs: ScriptEngine = {
  name: 'quickjs',
  title: 'QuickJS',
  plainValues: true,
  provides: () => false,
  tools: [{ name: 'componentize-qjs', entry: '.' }],
  async build([tool], { script, witFile, world }) {
    const { component } = await (tool as Tool).componentize({
      witPath: witFile,
      world,
      jsSource: script,
      // Without the ABI of WASI 0.3, which only the newest Node can run.
      sync: true,
      stubWasi: false,
      optSize: true,
    })
    return withoutExport(new Uint8Array(component), initExport)
  },
}

interface Tool {
  componentize(options: {
    witPath: string
    world: string
    jsSource: string
    sync: boolean
    stubWasi: boolean
    optSize: boolean
  }): Promise<{ component: Uint8Array }>
}
