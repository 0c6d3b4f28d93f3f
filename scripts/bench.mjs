// `npm run bench -- [NAME] [--json]`: runs one folder of bench/, or all of them.
import { runTypeScript } from './run-ts.mjs'

await runTypeScript('bench/index.ts')
