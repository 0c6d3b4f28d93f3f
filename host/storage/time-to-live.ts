/**
 * How long entries live, by app and bucket, as the node's owner says: `"sessions/*" = "1h"`. Of several patterns that fit,
 * the one counts that names more; of two that name as much, the shorter life.
 */

/** `*` in it stands for any text. */
export interface LifeRule {
  /** `APP/BUCKET` */
  readonly pattern: string
  readonly ms: number
}

/** Asks for the time of a bucket's entries, in ms; null where they live for ever. */
export type LifeOf = (bucket: string) => number | null

export const forEver: LifeOf = () => null

/** Those of the rules that may be about one app, with what is left of their patterns for the bucket. */
export function rulesFor(app: string, rules: readonly LifeRule[]): LifeRule[] {
  return inOrder(rules).flatMap(({ pattern, ms }) => {
    const [appPattern = '', bucketPattern = ''] = pattern.split('/')
    return matches(appPattern, app) ? [{ pattern: bucketPattern, ms }] : []
  })
}

/** @param rules as {@link rulesFor} gives them */
export function lifeBy(rules: readonly LifeRule[]): LifeOf {
  if (rules.length === 0) return forEver
  return (bucket) => rules.find(({ pattern }) => matches(pattern, bucket))?.ms ?? null
}

function inOrder(rules: readonly LifeRule[]): LifeRule[] {
  const named = ({ pattern }: LifeRule): number => pattern.replaceAll('*', '').length
  return [...rules].sort((one, other) => named(other) - named(one) || one.ms - other.ms)
}

function matches(pattern: string, text: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[\\^$.|?+()[\]{}]/g, '\\$&'))
  return new RegExp(`^${parts.join('.*')}$`, 's').test(text)
}
