/** Options that several drivers have. */
import * as v from 'valibot'

export const durabilityField = v.optional(
  v.picklist(['full', 'normal'], 'is no durability; write "full" or "normal"'),
  'full',
)

/** Without user and password: those have fields of their own, as a TOML file is shown around. */
export function serverUrl(protocols: readonly string[], form: string) {
  const isUrl = (text: string): boolean => {
    try {
      const { protocol, hostname } = new URL(text)
      return protocols.includes(protocol) && hostname !== ''
    } catch {
      return false
    }
  }
  return v.pipe(
    v.string(),
    v.maxLength(512, `is too long; write "${form}"`),
    v.check(isUrl, `is no address of such a server; write "${form}"`),
    v.check(
      (text) => !/^[a-z]+:\/\/[^/]*@/.test(text),
      'has a user or a password in it; write username = "…" and password-file = "…" instead',
    ),
  )
}

export const secretFileField = v.optional(
  v.pipe(
    v.string(),
    v.minLength(1, 'is empty; name a file'),
    v.maxLength(4_095, 'is too long; use a shorter path'),
  ),
)
