/** `[deploy]`: where build jobs publish with deploy keys; nowhere without an address. */
import * as v from 'valibot'
import { httpAddressField } from '../addresses.ts'

export const deployTable = v.strictObject({ listen: v.optional(httpAddressField) })
