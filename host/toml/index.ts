/** The public face of host/toml: reading the TOML files that people write. */
export * from './parse.ts'
export * from './problems.ts'
export type { TomlFinding } from './finding.ts'
export { durationField, parseDuration, parseSize, sizeField } from './units.ts'
