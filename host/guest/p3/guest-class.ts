/**
 * A class as the glue sees it: made with the guest's arguments alone and with its static functions, while an instance
 * of it is one of the class behind it, which belongs to one sandbox's world.
 */
export function guestClass(
  world: object,
  of: { readonly prototype: object; readonly name: string },
  statics: Readonly<Record<string, unknown>> = {},
): unknown {
  const make = of as unknown as new (world: object) => object
  function Guest(): object {
    return new make(world)
  }
  Guest.prototype = of.prototype
  return Object.assign(Guest, statics)
}
