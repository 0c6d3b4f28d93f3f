/** Whether a variant is another build of the same app, asked before anything is signed: a node may take either. */
import type { UploadReport } from '../api/index.ts'
import { plain } from './text.ts'

/** @throws ERR_VARIANT saying in what they differ */
export async function requireSameApp(name: string, own: UploadReport, variant: UploadReport): Promise<void> {
  const fault = differenceOf(own, variant)
  if (fault === null) return
  const { fitProblems } = await import('../fit/index.ts')
  throw fitProblems.error('ERR_VARIANT', `variant ${name}: ${fault.what}`, {
    ...(fault.hint !== undefined && { hint: fault.hint }),
  })
}

function differenceOf(own: UploadReport, variant: UploadReport): { what: string; hint?: string } | null {
  const lost = own.exports.filter((one) => !variant.exports.includes(one))
  const added = variant.exports.filter((one) => !own.exports.includes(one))
  if (lost.length > 0) return { what: `it does not export ${list(lost)}, which the component itself does` }
  if (added.length > 0) return { what: `it exports ${list(added)}, which the component itself does not` }
  const wanted = variant.imports.filter((one) => !own.imports.includes(one))
  if (wanted.length > 0) return { what: `it imports ${list(wanted)}, which the component itself does not` }
  if (own.exportTypes !== variant.exportTypes)
    return { what: 'its exports have other types than those of the component itself' }
  const more = (own.features ?? []).filter((feature) => !(variant.features ?? []).includes(feature))
  if (more.length === 0) return null
  return {
    what: `it does without ${list(more)}, and the component itself does not`,
    hint: 'the component itself is for the nodes that have least: publish that build as the component, and the other one as the variant',
  }
}

function list(names: readonly string[]): string {
  const shown = names.slice(0, 6).map(plain).join(', ')
  return names.length <= 6 ? shown : `${shown} and ${names.length - 6} more`
}
