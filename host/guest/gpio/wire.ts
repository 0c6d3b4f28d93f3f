/** What the two halves of wasi:gpio say to each other. Every call names its pin, and is checked again. */

export const gpioPartName = 'wasi:gpio'
export const gpioDigitalId = 'wasi:gpio/digital@0.2.0'

export type GpioDirection = 'in' | 'out'

/** `gpio-error` of wasi:gpio/general, as far as a node has cause for them. */
export type GpioError =
  | {
      readonly tag: 'pin-not-allowed' | 'pin-mode-not-allowed' | 'pin-mode-not-available' | 'invalid-flag'
    }
  | { readonly tag: 'other'; readonly val: string }

/** What a guest can wait for. */
export type GpioMoment = 'active' | 'inactive' | 'rising' | 'falling'
