/** What the two halves of wasi:i2c say to each other. Every call names its bus, and is checked again. */

export const i2cPartName = 'wasi:i2c'
export const i2cId = 'wasi:i2c/i2c@0.2.0-draft'
export const i2cDelayId = 'wasi:i2c/delay@0.2.0-draft'
/** Where a guest gets a bus from; all functions of the node's half are bound behind this one. */
export const busI2cId = 'selvedge:bus/i2c@0.1.0'

/** `error-code` of wasi:i2c/i2c. */
export type I2cErrorCode =
  | { readonly tag: 'bus' }
  | { readonly tag: 'arbitration-loss' }
  | { readonly tag: 'no-acknowledge'; readonly val: 'address' | 'data' | 'unknown' }
  | { readonly tag: 'overrun' }
  | { readonly tag: 'other' }

/** A step of a transaction: bytes to write, or how many to read. */
export type WireI2cStep = Uint8Array | number

/** What Linux takes of one transaction, which also keeps it small enough to cross. */
export const wireI2cLimits = { steps: 42, bytes: 8_192 } as const
