/** `[components]`: components of releases, on this disk and on the wires. */
import * as v from 'valibot'
import { sizeField } from '../../toml/index.ts'

export const componentsTable = v.strictObject({
  /** Most that they take of the disk; half of its file system where it is left out. */
  size: v.optional(sizeField('1 MiB', '8192 GiB')),
  /** Most that is sent to others, and fetched, in a second; as fast as the wires where it is left out. */
  upload: v.optional(sizeField('1 KiB', '8192 GiB')),
  download: v.optional(sizeField('1 KiB', '8192 GiB')),
})
