/**
 * The names that the component model gives a core module's exports, and the names that languages can spell.
 *
 * `cm32p2|selvedge:edge/sensor-handler@0.1|handle` (Component Model, BuildTargets.md) is no identifier anywhere;
 * a source exports `sensorHandler_handle`, and the build renames it. Which exports there are, and what they are
 * called, is read from a dummy module that the component tools make from the world.
 */

export interface ExportName {
  /** As the source spells it. */
  readonly source: string
  /** As the component model wants it. */
  readonly canonical: string
  /** False for post-returns, which only functions with memory to give back need. */
  readonly required: boolean
}

const interfaceExport = /^cm32p2\|[^/|]+\/([a-z0-9-]+)(?:@[^|]*)?\|([a-z0-9-]+)(_post)?$/
const worldExport = /^cm32p2\|\|([a-z0-9-]+)(_post)?$/

/** @param canonicalNames exports of the world's dummy module; those that are no functions of the world are left out */
export function exportNames(canonicalNames: readonly string[]): ExportName[] {
  const names: ExportName[] = [
    { source: 'memory', canonical: 'cm32p2_memory', required: true },
    { source: 'cabi_realloc', canonical: 'cm32p2_realloc', required: true },
  ]
  for (const canonical of canonicalNames) {
    const inInterface = interfaceExport.exec(canonical)
    const inWorld = worldExport.exec(canonical)
    const [of, name, post] = inInterface?.slice(1) ?? [undefined, ...(inWorld?.slice(1) ?? [])]
    if (name === undefined) continue
    const source = (of === undefined ? '' : `${camelCase(of)}_`) + camelCase(name) + (post ?? '')
    names.push({ source, canonical, required: post === undefined })
  }
  return names
}

/** `sensor-handler` becomes `sensorHandler`. */
function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
