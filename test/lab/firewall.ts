/**
 * What a namespace drops, as one table of nft that is replaced whole: no rule is ever left over from a fault before.
 * Drops make no answer, as a broken line makes none.
 */
import { spawnSync } from 'node:child_process'

export type Hook = 'prerouting' | 'input' | 'forward' | 'postrouting' | 'redirect' | 'masquerade'

export type Rules = Readonly<Partial<Record<Hook, readonly string[]>>>

const kinds: Readonly<Record<Hook, string>> = {
  prerouting: 'filter hook prerouting priority -300',
  input: 'filter hook input priority 0',
  forward: 'filter hook forward priority 0',
  postrouting: 'filter hook postrouting priority 0',
  redirect: 'nat hook prerouting priority -100',
  masquerade: 'nat hook postrouting priority 100',
}

const commandMs = 10_000

/** The program for nft that replaces all of ours by `rules`. */
export function tableOf(rules: Rules): string {
  const chains = (Object.keys(kinds) as Hook[])
    .filter((hook) => (rules[hook] ?? []).length > 0)
    .map((hook) => {
      const lines = (rules[hook] ?? []).map((rule) => `    ${rule}`)
      return [`  chain on_${hook} {`, `    type ${kinds[hook]}; policy accept;`, ...lines, '  }'].join('\n')
    })
  // A table must be there to be deleted: it is declared, deleted, and declared with what is in it.
  return ['table inet lab', 'delete table inet lab', 'table inet lab {', ...chains, '}', ''].join('\n')
}

/** @throws what nft complained of */
export function setRules(namespace: string, rules: Rules): void {
  const { status, stderr, error } = spawnSync('ip', ['netns', 'exec', namespace, 'nft', '-f', '-'], {
    encoding: 'utf8',
    input: tableOf(rules),
    timeout: commandMs,
  })
  if (status !== 0) throw new Error(`nft in ${namespace}: ${error?.message ?? stderr.trim()}`)
}

/** @param share of the packets, from 0 to 1 */
export function dropAtRandom(share: number): string {
  return `numgen random mod 10000 < ${Math.round(share * 10_000)} drop`
}
