// `npm run demo`: installs and builds what is missing, then plays the six acts of demo/index.ts.
import { runTypeScript } from './run-ts.mjs'

await runTypeScript('demo/index.ts')
