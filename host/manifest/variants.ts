/** `[[variants]]`: the same app built for nodes that have more, the best first. */
import * as v from 'valibot'
import { innerPath } from './inner-path.ts'

/** Those of the signed record, as a person is told them. */
const bounds = { variants: 8, features: 16, commandLength: 1_000 } as const

const variant = v.strictObject({
  /** `simd` */
  name: v.pipe(
    v.string(),
    v.regex(
      /^[a-z][a-z0-9-]{0,30}$/,
      'is no name of a variant; write up to 31 small letters, digits and "-"',
    ),
  ),
  /** The finished component. Default: build/APP.NAME.wasm. */
  file: v.optional(innerPath),
  /** Its main source file, where that is another one. */
  source: v.optional(innerPath),
  /** For `assemblyscript`: what its compiler may use that it does not use by itself. */
  features: v.optional(
    v.pipe(
      v.array(
        v.picklist(
          ['simd', 'threads', 'tail-calls', 'relaxed-simd', 'exception-handling', 'gc'],
          'is no feature of the compiler; write "simd", or what `npx asc --help` names under --enable',
        ),
      ),
      v.maxLength(bounds.features),
    ),
  ),
  /** For `command`: run in the app's folder, leaves this component in `file`. */
  command: v.optional(
    v.pipe(
      v.string(),
      v.minLength(1, 'is empty; write what to run'),
      v.maxLength(bounds.commandLength, 'is too long; put it into a script'),
    ),
  ),
})

export const variantsField = v.optional(
  v.pipe(
    v.array(variant),
    v.maxLength(bounds.variants, `has more than ${bounds.variants} entries; remove some`),
    v.check(
      (list) => new Set(list.map(({ name }) => name)).size === list.length,
      'names a variant twice; remove one',
    ),
  ),
  [],
)

export type WrittenVariant = v.InferOutput<typeof variant>

/** A variant with its file filled in. */
export interface ManifestVariant extends WrittenVariant {
  readonly file: string
}

/** What is wrong between a variant and how its app is built; null where nothing is. */
export function variantFault(
  variants: readonly WrittenVariant[],
  { language, command }: { readonly language?: string | undefined; readonly command?: string | undefined },
): string | null {
  const isCommand = language === 'command' || command !== undefined
  for (const [index, { features, command: own, source }] of variants.entries()) {
    const at = `variants[${index}]`
    if (features !== undefined && language !== 'assemblyscript')
      return `${at}.features: is for language = "assemblyscript"`
    if (own !== undefined && !isCommand) return `${at}.command: is for language = "command"`
    if (source !== undefined && isCommand) return `${at}.source: a command knows its sources itself`
  }
  return null
}
