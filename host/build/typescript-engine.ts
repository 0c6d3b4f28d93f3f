/** What a JavaScript engine does for the TypeScript language: from one module to a component. */
import type { ToolEntry } from './toolchain.ts'
import type { WorldTypes } from './typescript-types.ts'

export interface ScriptEngineRequest {
  /** One ES module without imports other than those of the world. */
  readonly script: string
  /** What the module exports. */
  readonly scriptExports: readonly string[]
  /** The world's package and all it needs, as one text and as a file with that text. */
  readonly witSource: string
  readonly witFile: string
  readonly world: string
  readonly types: WorldTypes
}

export interface ScriptEngine {
  /** As written in `engine = "…"`. */
  readonly name: 'quickjs' | 'starlingmonkey'
  readonly title: string
  /** True where `u64` and `s64` are numbers, `none` is null and lists are arrays; otherwise they are as in jco. */
  readonly plainValues: boolean
  /** Whether the engine itself can answer for an export that the app leaves out. */
  provides(interfaceId: string): boolean
  readonly tools: readonly ToolEntry[]
  /** @param tools the modules behind `tools`, in their order */
  build(tools: readonly unknown[], request: ScriptEngineRequest): Promise<Uint8Array>
}
