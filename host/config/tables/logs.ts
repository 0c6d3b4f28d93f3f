/** `[logs]`: what is kept on the disk of what apps say. */
import * as v from 'valibot'
import { sizeField } from '../../toml/index.ts'

export const logsTable = v.strictObject({
  /** Of each app, as a ring: some ten thousand lines. */
  size: v.optional(sizeField('256 KiB', '64 MiB'), '1 MiB'),
  /** Of all apps together; then the one with the most makes room. */
  total: v.optional(sizeField('256 KiB', '4 GiB'), '32 MiB'),
})
