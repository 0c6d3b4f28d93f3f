/** `wasi:filesystem/types.error-code` 0.3: a variant, where 0.2 has an enum with one case more. */
import type { StreamFailure } from '../../bytes.ts'
import { FileError } from '../../filesystem/index.ts'
import { WitError } from '../../wit-error.ts'

export interface FileCode {
  readonly tag: string
  readonly val?: string
}

/** @param code of 0.2; what is none of the file system's is told in words */
export function variantOf(code: string): FileCode {
  return code === 'would-block' ? { tag: 'other', val: code } : { tag: code }
}

/** Runs what may fail with the file system's own errors. @throws WitError */
export function asWit<T>(run: () => T): T {
  try {
    return run()
  } catch (error) {
    throw error instanceof FileError ? new WitError(variantOf(error.code)) : error
  }
}

export function codeOfFailure({ code, message }: StreamFailure): FileCode {
  return typeof code === 'string' ? variantOf(code) : { tag: 'other', val: message }
}
