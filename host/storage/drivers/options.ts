/** Options that several drivers have. */
import * as v from 'valibot'

export const durabilityField = v.optional(
  v.picklist(['full', 'normal'], 'is no durability; write "full" or "normal"'),
  'full',
)
