// `npm run board [-- --json --keep --shell]`: an emulated board with real pins, and the package on it.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './ensure.mjs'
import { runTypeScript } from './run-ts.mjs'

for (const [script, ...args] of [['package.mjs'], ['build-components.mjs', 'light-alarm']]) {
  const command = [join(root, 'scripts', script), ...args]
  const { status } = spawnSync(process.execPath, command, { stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(1)
}
await runTypeScript('test/board/report.ts')
