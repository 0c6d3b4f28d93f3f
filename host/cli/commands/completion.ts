import { usage } from '../arguments.ts'
import { defineCommand } from '../command.ts'
import { completionScripts, isShell } from '../completion.ts'

export const completion = defineCommand({
  name: 'completion',
  summary: 'print a completion script for a shell',
  arguments: [{ name: 'bash|zsh|fish', required: true, completes: ['bash', 'zsh', 'fish'] }],
  options: {},
  json: null,
  usesNode: false,
  examples: [
    { line: 'completion bash > ~/.local/share/bash-completion/completions/selvedge', says: 'for bash' },
    { line: 'completion zsh > "${fpath[1]}/_selvedge"', says: 'for zsh' },
    { line: 'completion fish > ~/.config/fish/completions/selvedge.fish', says: 'for fish' },
  ],
  async run({ world, args }) {
    const shell = args[0] ?? ''
    if (!isShell(shell))
      throw usage({ name: 'completion' }, `there is no completion for ${shell}, only for bash, zsh and fish`)
    // Only now: the list holds this very command.
    const { commands } = await import('../commands.ts')
    world.stdout.write(completionScripts[shell](commands))
    return 0
  },
})
