/** A `result`'s error case on its way to the guest; `payload` is the WIT value. Shared by both sides of a sandbox. */
export class WitError extends Error {
  override readonly name = 'WitError'
  readonly payload: unknown

  constructor(payload: unknown) {
    super('a declared WIT error')
    this.payload = payload
  }
}
