/**
 * The linear memory of the transpiler, for those who want to know whether it failed for want of it: it is WebAssembly, and
 * all it can do then is trap. To be imported before the transpiler, whose memory belongs to its own glue.
 */
const memories = new Set<WebAssembly.Memory>()

const { instantiate } = WebAssembly

WebAssembly.instantiate = (async (...args: Parameters<typeof instantiate>) => {
  const made = (await instantiate(...args)) as unknown
  const { exports } = made instanceof WebAssembly.Instance ? made : { exports: {} }
  for (const item of Object.values(exports)) if (item instanceof WebAssembly.Memory) memories.add(item)
  return made
}) as typeof instantiate

/**
 * @param error what it ended with
 * @returns bytes of its memory, where it trapped and could not have half as much again; else null
 */
export function exhaustedBytes(error: unknown): number | null {
  if (!(error instanceof WebAssembly.RuntimeError)) return null
  const largest = Math.max(0, ...[...memories].map(({ buffer }) => buffer.byteLength))
  const memory = [...memories].find(({ buffer }) => buffer.byteLength === largest)
  if (memory === undefined) return null
  try {
    memory.grow(Math.ceil(largest / 65_536 / 2))
    return null
  } catch {
    return largest
  }
}
