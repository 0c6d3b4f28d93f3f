/** What the scripts for all shells are made of, from the tables that parsing and help go by. */
import type { Command, LiveNames } from '../command.ts'
import { groupOf } from '../help.ts'

/** What stands first on a line: commands, and the groups of those with two words. */
export function firstWords(commands: readonly Command[]): { name: string; summary: string }[] {
  const groups = new Set<string>()
  return commands.flatMap(({ name, summary }) => {
    const group = groupOf(name)
    if (group === null) return [{ name, summary }]
    if (groups.has(group)) return []
    groups.add(group)
    return [{ name: group, summary: secondWords(commands, group).join(', ') }]
  })
}

export function groupsOf(commands: readonly Command[]): string[] {
  return [...new Set(commands.flatMap(({ name }) => groupOf(name) ?? []))]
}

export function secondWords(commands: readonly Command[], group: string): string[] {
  return commands.flatMap(({ name }) => (groupOf(name) === group ? [name.slice(group.length + 1)] : []))
}

/** The program's own way to tell live names. @param before how the shell writes the first argument that was typed */
export function namesCommand(kind: LiveNames, before: string): string {
  return `selvedge completion names ${kind}${kind === 'function' ? ` ${before}` : ''} 2>/dev/null`
}

/** In single quotes; an apostrophe in a text becomes a typographical one, which needs no escape in any shell. */
export function quoted(text: string): string {
  return `'${text.replaceAll("'", '’')}'`
}
