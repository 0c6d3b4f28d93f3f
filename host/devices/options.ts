/** Fields that options of several drivers have. */
import * as v from 'valibot'

/** UCUM, as `contract.ts` says. */
export const unitField = v.pipe(
  v.string(),
  v.regex(/^[\x21-\x7e]{1,16}$/, 'is no unit; write a UCUM symbol of at most 16 characters, as "Cel"'),
)

/** What the kernel calls a device. A slash would lead out of the folder of devices. */
export const deviceName = v.pipe(
  v.string(),
  v.minLength(1, 'is empty; write the device’s name'),
  v.maxLength(128, 'is too long; write at most 128 characters'),
  v.check((name) => !/[/\p{Cc}]/u.test(name), 'is no name of a device; write it without "/"'),
)

/** An absolute path below the root of devices. */
export const devicePath = v.pipe(
  v.string(),
  v.maxLength(1_024, 'is too long; write at most 1024 characters'),
  v.regex(/^\/[^\0]+$/, 'is no path; write it whole, as "/dev/ttyUSB0"'),
  v.check((path) => !path.split('/').includes('..'), 'leads upwards; write it without ".."'),
)

export const finite = v.pipe(v.number(), v.finite())
