/** The public face of host/manifest: how an app describes itself, and what publish makes of it. */
export { grantsOf, parseManifest, readManifest, type Manifest } from './manifest.ts'
export { isCritical } from './placement.ts'
export * from './problems.ts'
export * from './release-draft.ts'
export { defaultLimits } from './schema.ts'
export { parseDuration, parseSize } from '../toml/index.ts'
