import { Counter } from './bindings/test-types-host'

let mine: Counter | null = null

export function twice(c: Counter, by: u32): u32 {
  c.add(by)
  return c.add(by)
}

export function keep(c: Counter): void {
  mine = c
}

export function kept(): Counter | null {
  const held = mine
  mine = null
  return held
}
