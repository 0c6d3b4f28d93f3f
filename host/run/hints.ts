/** What to do about an error of the engine where there is no manifest and no node: the option that helps. */
import { isSelvedgeError, SelvedgeError } from '../../core/index.ts'

const hints: Readonly<Record<string, string>> = {
  ERR_APP_TRAP: 'see where in the message; functions have names where the file was not stripped of them',
  ERR_APP_DEADLINE: 'give it longer with --deadline',
  ERR_APP_MEMORY: 'give it more with --memory, or let it keep less',
  ERR_APP_START: 'see what stopped it in the message',
  ERR_APP_CRASH: 'see the message; with --isolation process nothing else can suffer from it',
  ERR_APP_EXPORT: 'name one of those behind --invoke, a function of an interface as INTERFACE#FUNCTION',
  ERR_MEMORY_LIMIT: 'give it more with --memory, or build it with a smaller initial memory',
}

/** The same error with that hint; anything else as it is. */
export function withRunHint(error: unknown): unknown {
  if (!isSelvedgeError(error)) return error
  const hint = hints[error.code]
  if (hint === undefined) return error
  return new SelvedgeError(error.code, error.kind, error.message, hint, error.cause)
}
