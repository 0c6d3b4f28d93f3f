import { ask, askMany, Counter } from './bindings/test-types-host'
import { Mixed, Point, Shape } from './bindings/test-types-kinds'
import { note } from './bindings/world'
import * as echo from './echo'
import * as lend from './lend'
import * as store from './store'
export { echo, lend, store }

export function viaHost(v: Shape): Shape {
  const mixed = new Mixed(true, 1, -1, 2, -2, 3, -3, 4, -4, 0.5, -0.5, 0x1f600, 'm')
  const answer = askMany(mixed, 'b', v, [1, 2, 3])
  note(answer.v0.m + answer.v1 + answer.v3.length.toString())
  return ask(answer.v2)
}

export function counters(n: Array<u32>): u32 {
  const all = new Array<Counter>()
  for (let i = 0; i < n.length; i++) all.push(new Counter(n[i]))
  const sum = Counter.sum(all)
  const merged = Counter.merge(all[0], all[1])
  const total = merged.add(0)
  merged.drop()
  for (let i = 2; i < all.length; i++) all[i].drop()
  return sum * 1000 + total
}

export function delete_(p: Point): string {
  return p.x.toString() + ' ' + p.y.toString()
}
