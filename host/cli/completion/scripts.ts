/**
 * Completion scripts, from the same tables as parsing and help. Only names of nodes, apps, groups and functions are asked for,
 * from the daemon and through the program itself, which gives up soon.
 */
import type { Command } from '../command.ts'
import { bash } from './bash.ts'
import { fish } from './fish.ts'
import { zsh } from './zsh.ts'

export type Shell = 'bash' | 'zsh' | 'fish'

export const completionScripts: Readonly<Record<Shell, (commands: readonly Command[]) => string>> = {
  bash,
  zsh,
  fish,
}

export function isShell(text: string): text is Shell {
  return Object.hasOwn(completionScripts, text)
}
