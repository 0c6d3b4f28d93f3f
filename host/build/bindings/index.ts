/** AssemblyScript bindings of a WIT world, as texts. */
export { generateBindings, type Bindings, type WantedExport } from './generate.ts'
export { generatedMark } from './source-file.ts'
