/** `[links]`: which apps export the interfaces that this one imports. */
import * as v from 'valibot'
import { isLinkable, namePattern } from '../interfaces/index.ts'
import { manifestProblems } from './problems.ts'
import { nameRefusal } from './triggers.ts'

/** That of the signed record. */
const maxLinks = 32
const interfacePattern =
  /^(?=.{3,160}$)[a-z][a-z0-9-]*:[a-z][a-z0-9-]*\/[a-z][a-z0-9-]*(@[0-9A-Za-z.+-]{1,48})?$/

export const linksSchema = v.pipe(
  v.record(
    v.pipe(
      v.string(),
      v.regex(
        interfacePattern,
        'is no interface; write it as the component imports it: "acme:thermo/api@1.0.0"',
      ),
      v.check(isLinkable, 'is for the node to give, not for another app'),
    ),
    v.pipe(v.string(), v.regex(namePattern, nameRefusal)),
  ),
  v.check((links) => Object.keys(links).length <= maxLinks, `has more than ${maxLinks} entries; remove some`),
)

/**
 * Of `--link INTERFACE=APP`, beside a bare file.
 * @param grants of the same release: which apps it may call
 * @throws ERR_RELEASE_OPTION
 */
export function bareLinks(written: readonly string[], grants: readonly string[]): Record<string, string> {
  const links: Record<string, string> = {}
  for (const text of written) {
    const at = text.lastIndexOf('=')
    const [id, app] = [text.slice(0, Math.max(at, 0)), text.slice(at + 1)]
    if (at < 1) throw refused(text, 'names no app', 'write INTERFACE=APP, as acme:thermo/api@1.0.0=thermo')
    if (Object.hasOwn(links, id))
      throw refused(text, 'the interface is linked twice', 'leave one of them out')
    if (!grants.includes(`call:${app}`))
      throw refused(text, 'is an app that it may not call', `add --grant call:${app.slice(0, 80)}`)
    links[id] = app
  }
  const result = v.safeParse(linksSchema, links)
  if (result.success) return result.output
  const [{ message, path }] = result.issues
  const [problem = '', hint = ''] = message.split('; ')
  throw refused(String(path?.[0]?.key ?? ''), problem, hint)
}

function refused(text: string, problem: string, hint: string): Error {
  const details = hint === '' ? {} : { hint }
  return manifestProblems.error('ERR_RELEASE_OPTION', `--link ${text.slice(0, 80)}: ${problem}`, details)
}
