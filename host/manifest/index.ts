/** The public face of host/manifest: how an app describes itself, and what publish makes of it. */
export {
  canonicalGrants,
  formatGrant,
  grantKinds,
  namePattern,
  parseGrant,
  type Grant,
  type GrantKind,
} from './grants.ts'
export { grantsOf, manifestFileName, parseManifest, readManifest, type Manifest } from './manifest.ts'
export * from './problems.ts'
export * from './release-draft.ts'
export { defaultLimits } from './schema.ts'
export { parseTriggerOption } from './triggers.ts'
export { durationField, parseDuration, parseSize, sizeField } from './units.ts'
