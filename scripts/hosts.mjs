// `npm run hosts [OPTIONS]`: the product on every architecture, under emulation, and one mesh of all of them.
import { spawnSync } from 'node:child_process'
import { join } from 'node:path'
import { root } from './ensure.mjs'
import { runTypeScript } from './run-ts.mjs'

for (const script of ['ensure-bundle.mjs', 'build-components.mjs']) {
  const { status } = spawnSync(process.execPath, [join(root, 'scripts', script)], { stdio: ['ignore', 2, 2] })
  if (status !== 0) process.exit(1)
}
await runTypeScript('test/hosts/report.ts')
