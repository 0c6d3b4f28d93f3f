/** The public face of host/values: values of WIT types, checked, and written as text by hand or by a guest. */
export { fits } from './fits.ts'
export { fromJson, toJson } from './json-values.ts'
export { valueProblems } from './problems.ts'
export { shownFunction, shownMembers, shownType } from './shown-type.ts'
export { readArguments, readText, type WrittenArgument } from './written-arguments.ts'
export { readWave } from './wave-reader.ts'
export { waveText } from './wave-text.ts'
