/**
 * A look through a frame of a process that is not trusted, before its objects are made: three bytes make a map of two
 * hundred, and fourteen an array that takes minutes to walk. What is in a frame lies there in one line, each value
 * behind a letter that says its kind (V8's ValueSerializer; Node's for views), so nothing of it need be understood.
 */

export interface FrameBounds {
  readonly bytes: number
  /** Objects and lists, each of which costs the heap a hundred bytes and more. */
  readonly objects: number
  /** Values of any kind, and the length of lists that say no more than their length. */
  readonly values: number
}

/** @throws Error where it is beyond its bounds, or holds a kind of value that no sandbox sends */
export function assertFrame(body: Uint8Array, bounds: FrameBounds): void {
  new FrameWalk(body).walk(bounds)
}

const letter = (text: string): number => text.charCodeAt(0)
const [padding, version] = [0x00, 0xff]
const kinds = {
  undefined: letter('_'),
  null: letter('0'),
  true: letter('T'),
  false: letter('F'),
  hole: letter('-'),
  int: letter('I'),
  uint: letter('U'),
  double: letter('N'),
  bigint: letter('Z'),
  latin1: letter('"'),
  utf16: letter('c'),
  utf8: letter('S'),
  object: letter('o'),
  objectEnd: letter('{'),
  dense: letter('A'),
  denseEnd: letter('$'),
  sparse: letter('a'),
  sparseEnd: letter('@'),
  known: letter('^'),
  view: letter('\\'),
} as const

class FrameWalk {
  readonly #body: Uint8Array
  #at = 0

  constructor(body: Uint8Array) {
    this.#body = body
  }

  walk(bounds: FrameBounds): void {
    const end = this.#body.length
    let [objects, values] = [0, 0]
    while (this.#at < end) {
      values += 1
      switch (this.#body[this.#at++]) {
        case padding:
        case kinds.undefined:
        case kinds.null:
        case kinds.true:
        case kinds.false:
        case kinds.hole:
          break
        case version:
        case kinds.int:
        case kinds.uint:
        case kinds.known:
        case kinds.objectEnd:
          this.#number()
          break
        case kinds.object:
          objects += 1
          break
        case kinds.latin1:
        case kinds.utf16:
        case kinds.utf8:
          this.#skip(this.#number())
          break
        case kinds.dense:
          objects += 1
          this.#number()
          break
        case kinds.sparse:
          objects += 1
          values += this.#number()
          break
        case kinds.denseEnd:
        case kinds.sparseEnd:
          this.#number()
          this.#number()
          break
        case kinds.double:
          this.#skip(8)
          break
        case kinds.bigint:
          // The lowest bit is its sign.
          this.#skip(Math.floor(this.#number() / 2))
          break
        case kinds.view:
          objects += 1
          this.#number()
          this.#skip(this.#number())
          break
        default:
          throw new Error('a frame with a kind of value that no sandbox sends')
      }
      if (objects > bounds.objects) throw new Error(`a frame of more than ${bounds.objects} objects`)
      if (values > bounds.values) throw new Error(`a frame of more than ${bounds.values} values`)
    }
  }

  #skip(bytes: number): void {
    this.#at += bytes
    if (this.#at > this.#body.length) throw new Error('a frame that ends in the middle of a value')
  }

  /** LEB128, as long as a uint32 takes. */
  #number(): number {
    let value = 0
    for (let scale = 1; scale <= 2 ** 28; scale *= 128) {
      const byte = this.#body[this.#at++]
      if (byte === undefined) throw new Error('a frame that ends in the middle of a number')
      value += (byte & 0x7f) * scale
      if (byte < 0x80) return value
    }
    throw new Error('a frame with a number that is too long')
  }
}
