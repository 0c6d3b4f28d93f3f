/** selvedge(1), from the tables that `--help` is made of. */
import { allOptions, type Command } from '../../host/cli/command.ts'

export function manPage(commands: readonly Command[], version: string): string {
  return [
    `.TH SELVEDGE 1 "" "selvedge ${version}" "User Commands"`,
    '.SH NAME',
    'selvedge \\- a WebAssembly\\-first edge runtime with a peer mesh',
    '.SH SYNOPSIS',
    '.B selvedge',
    '.I COMMAND',
    '[\\fIOPTIONS\\fR]',
    '.SH DESCRIPTION',
    'Every device runs one node. Nodes host sandboxed WASI components, watch over each other, and hand signed code',
    'from peer to peer. There is no control plane.',
    '.SH COMMANDS',
    ...commands.flatMap(section),
    '.SH EXIT STATUS',
    '0 done, 1 failed, 2 wrong usage, 3 not decided in time.',
    '.SH ENVIRONMENT',
    '.TP',
    '.B SELVEDGE_DATA',
    'the node’s data folder, where \\-\\-data names no other',
    '.TP',
    '.B SELVEDGE_KEYS',
    'the folder of a person’s keys',
    '.SH FILES',
    '.TP',
    '.I /etc/selvedge/node.toml',
    'settings of the machine’s service',
    '.TP',
    '.I /var/lib/selvedge',
    'its data',
    '',
  ].join('\n')
}

function section(command: Command): string[] {
  const words = (command.arguments ?? []).map(({ name, required }) => (required ? name : `[${name}]`))
  return [
    `.SS "selvedge ${[command.name, ...words].map(roff).join(' ')}"`,
    sentence(command.summary),
    ...(command.details === undefined ? [] : ['.PP', roff(command.details)]),
    ...Object.entries(allOptions(command)).flatMap(([name, { value, help, kind }]) => [
      '.TP',
      `\\fB\\-\\-${roff(name)}\\fR${value === undefined ? '' : ` \\fI${roff(value)}\\fR`}`,
      roff(kind === 'list' ? `${help}; may be given several times` : help),
    ]),
    ...command.examples.flatMap(({ line, says }) => [
      '.PP',
      `Example: \\fBselvedge ${roff(line)}\\fR`,
      '.br',
      roff(says),
    ]),
  ]
}

function sentence(text: string): string {
  return roff(`${text.charAt(0).toUpperCase()}${text.slice(1)}.`)
}

/** A dot or an apostrophe at the start of a line would be a request. */
function roff(text: string): string {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(/^([.'])/, '\\&$1')
}
