/** `[links]`: which apps export the interfaces that this one imports. */
import * as v from 'valibot'
import { isLinkable, namePattern } from '../interfaces/index.ts'
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
