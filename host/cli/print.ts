/** The two ways an answer leaves a command: as text for people, or as JSON with its schema in front. */
import type { CommandContext } from './command.ts'

/**
 * Prints a JSON document, or one line of a stream of them.
 * @param schema e.g. `selvedge.status/1`: changes its number only when a field changes its meaning
 */
export function printJson({ world }: Pick<CommandContext, 'world'>, schema: string, value: object): void {
  world.stdout.write(`${JSON.stringify({ schema, ...value })}\n`)
}

export function say({ world }: Pick<CommandContext, 'world'>, text: string): void {
  world.stderr.write(`${text}\n`)
}
