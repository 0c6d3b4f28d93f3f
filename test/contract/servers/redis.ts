/** Redis for tests, with each write on its disk before it is acknowledged. */
import type { ServerRecipe } from './server-process.ts'

export function redis(more: readonly string[] = []): ServerRecipe {
  return {
    program: 'redis-server',
    args: (port, folder) =>
      ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', ''].concat(
        ['--appendonly', 'yes', '--appendfsync', 'always', '--loglevel', 'warning'],
        more,
      ),
  }
}
