/** Which kind of file this is, from its first eight bytes: cheap enough to ask before anything else is done. */
import { engineProblems } from './problems.ts'

/** What the first eight bytes say. */
export type BinaryForm = 'component' | 'core-module' | 'other-version' | 'not-wasm'

/** Tells a component from a core module (layer 0, version 1) and from everything else. */
export function formOf(bytes: Uint8Array): BinaryForm {
  const magic = [0x00, 0x61, 0x73, 0x6d]
  if (bytes.length < 8 || magic.some((byte, index) => bytes[index] !== byte)) return 'not-wasm'
  const version = bytes[4]! | (bytes[5]! << 8)
  const layer = bytes[6]! | (bytes[7]! << 8)
  if (layer === 0 && version === 1) return 'core-module'
  return layer === 1 && version === 13 ? 'component' : 'other-version'
}

/** @throws ERR_NOT_WASM, ERR_COMPONENT_INVALID for everything that is neither component nor core module */
export function refuseOtherForms(bytes: Uint8Array): void {
  const form = formOf(bytes)
  if (form === 'component' || form === 'core-module') return
  if (form === 'other-version') {
    throw engineProblems.error(
      'ERR_COMPONENT_INVALID',
      'this is WebAssembly in a version of the binary format that this node does not know',
      { hint: 'build it with a toolchain for WASI 0.2 components' },
    )
  }
  if (isText(bytes)) {
    throw engineProblems.error(
      'ERR_NOT_WASM',
      'this is WebAssembly as text (WAT), which has to be made binary first',
      {
        hint: 'make it binary with `npx jco parse FILE.wat -o FILE.wasm`, or with wat2wasm',
      },
    )
  }
  throw engineProblems.error('ERR_NOT_WASM', `this is not WebAssembly: it begins with ${beginning(bytes)}`)
}

/** Behind comments, which a file may well begin with. */
function isText(bytes: Uint8Array): boolean {
  const start = Buffer.from(bytes.subarray(0, 4_096)).toString('latin1')
  return /^(?:\s|;;[^\n]*\n)*\((?:module|component)\b/.test(start)
}

function beginning(bytes: Uint8Array): string {
  if (bytes.length === 0) return 'nothing, it is empty'
  const start = Buffer.from(bytes.subarray(0, 12)).toString('latin1')
  return /^[\x20-\x7e\s]+$/.test(start)
    ? JSON.stringify(start)
    : `bytes ${Buffer.from(start, 'latin1').toString('hex')}`
}
