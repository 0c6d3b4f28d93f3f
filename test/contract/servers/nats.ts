/** A NATS server with JetStream for tests. */
import type { ServerRecipe } from './server-process.ts'

export function nats(more: readonly string[] = []): ServerRecipe {
  return {
    program: 'nats-server',
    args: (port, folder) => ['-a', '127.0.0.1', '-p', String(port), '-js', '-sd', folder].concat(more),
  }
}
