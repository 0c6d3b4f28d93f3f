/** `[folders.NAME]`: folders that apps may be granted by these names; see `../folders.ts`. */
import * as v from 'valibot'
import { bounded, mostItems, size } from '../fields.ts'

/** A path as the system takes it: Linux allows 4095 bytes. */
const folderPath = v.pipe(
  v.string(),
  v.minLength(1, 'is empty; name a folder'),
  v.maxLength(4_095, 'is too long; use a shorter path'),
  v.check((path) => !path.includes('\0'), 'is no path; write one without a zero character'),
)

export const folderTable = v.strictObject({
  path: folderPath,
  access: v.optional(
    v.picklist(['read', 'read-write'], 'is no access; write "read" or "read-write"'),
    'read',
  ),
  /** Most that may be in it while apps write to it, whoever put it there; an app may ask for less. */
  size: size(2 ** 30),
  /** The same in files, folders and links. */
  files: bounded(100_000, 0, mostItems),
})
