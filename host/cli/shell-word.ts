/** A word as a shell takes it: POSIX quoting, which fish reads alike but for a backslash before its quote. */

/** What no shell makes anything of; a tilde or an equals sign at the beginning would be more. */
const bare = /^[A-Za-z0-9_.,:/@%+-][A-Za-z0-9_.,:=/@%+-]*$/

export function shellWord(text: string): string {
  return bare.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
