import { Box as Offered } from './bindings/test-types-store'

let living: u32 = 0

export class Box extends Offered {
  private held: string

  constructor(text: string) {
    super()
    this.held = text
    living++
  }

  text(): string {
    return this.held
  }

  replace(text: string): string | null {
    const before = this.held
    this.held = text
    return before == '' ? null : before
  }

  static empty(): Box {
    return new Box('')
  }

  static join(a: Offered, b: Offered): Box {
    const joined = new Box(a.text() + b.text())
    b.drop()
    return joined
  }

  dispose(): void {
    living--
  }
}

export function swap(boxes: Array<Offered>): Array<Offered> {
  return boxes.reverse()
}

export function alive(): u32 {
  return living
}
