/**
 * Arguments of a component's function, held against what its WIT says. The glue behind it would make 0 of a text and
 * nothing of an argument that is missing, or trap in the guest's code.
 */
import type { Signature, WitShape } from '../engine/index.ts'
import { fits, shownFunction, shownMembers, shownType } from '../values/index.ts'
import { readArgument } from './invocation.ts'
import { runProblems } from './problems.ts'

/**
 * @param name as it was typed, `interface@version#function` or a function's
 * @throws ERR_RUN_ARGUMENTS where there are more or fewer, or one is none of its type
 */
export function readWitArguments(name: string, texts: readonly string[], signature: Signature): unknown[] {
  const { parameters } = signature
  if (texts.length !== parameters.length) {
    const takes = parameters.length === 0 ? 'no arguments' : `(${shownMembers(parameters)})`
    throw refused(`${name} takes ${takes}, and was given ${texts.length}`, name, signature)
  }
  return parameters.map(({ name: parameter, type }, index) => {
    const text = texts[index] ?? ''
    const value = valueOf(text, type)
    if (value !== noValue) return value
    const what = `argument ${index + 1} of ${name}, ${parameter}`
    const shown = JSON.stringify(text.slice(0, 80))
    throw refused(`${what}, is ${articled(shownType(type))}, which ${shown} is not`, name, signature)
  })
}

function refused(message: string, name: string, signature: Signature): Error {
  return runProblems.error('ERR_RUN_ARGUMENTS', message, {
    hint: `${name} is ${shownFunction(signature)}; write one argument for each parameter, as JSON`,
  })
}

const noValue = Symbol('no value of the type')

/** Text needs no quotation marks, and is not taken for what else it could be. */
function valueOf(text: string, type: WitShape | null): unknown {
  const value = readArgument(text)
  if (type?.kind === 'string' || type?.kind === 'char' || type?.kind === 'enum') {
    const plain = typeof value === 'string' ? value : text
    return fits(plain, type) ? plain : noValue
  }
  if (type?.kind === 'f32' || type?.kind === 'f64') return typeof value === 'number' ? value : noValue
  if (!fits(value, type)) return noValue
  // As the glue takes them: exact where a number could not be, and a number else.
  if (type?.kind === 'u64' || type?.kind === 's64') return BigInt(value as number | bigint)
  return typeof value === 'bigint' && type !== null ? Number(value) : value
}

function articled(type: string): string {
  return `${/^(s\d|f\d|enum|option)/.test(type) ? 'an' : 'a'} ${type}`
}
