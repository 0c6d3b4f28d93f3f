/** The arguments of a call as somebody wrote them, a guest or a person, held against the function's type. */
import { messageOf } from '../../core/index.ts'
import type { NamedShape, Signature, WitShape } from '../engine/index.ts'
import { camelCase } from '../guest/index.ts'
import { fits } from './fits.ts'
import { fromJson } from './json-values.ts'
import { valueProblems } from './problems.ts'
import { shownFunction, shownMembers, shownType } from './shown-type.ts'
import { readWave, readWaveList, WaveError } from './wave-reader.ts'

/** One that a person typed: by the parameter's name, or in its place. */
export interface WrittenArgument {
  readonly name: string | null
  readonly text: string
}

/**
 * @param text all of them: in WAVE, `312.5, "lx"`, with or without parentheses; in JSON a list
 * @returns values as jco lowers them
 * @throws ERR_CALL_ARGUMENTS
 */
export function readText(
  target: string,
  signature: Signature,
  text: string,
  form: 'wave' | 'json',
): unknown[] {
  const { parameters } = signature
  const types = knownTypes(target, signature)
  if (form === 'json') return fromList(target, signature, text)
  try {
    return readWaveList(text, types)
  } catch (error) {
    if (!(error instanceof WaveError)) throw error
    const takes = parameters.length === 0 ? 'no arguments' : `(${shownMembers(parameters)})`
    throw refused(target, signature, `${target} takes ${takes}: ${error.message}`)
  }
}

/**
 * As a person types them, each in a word of its own: WAVE, where plain text needs no quotation marks.
 * @throws ERR_CALL_ARGUMENTS
 */
export function readArguments(
  target: string,
  signature: Signature,
  written: readonly WrittenArgument[],
): unknown[] {
  const { parameters } = signature
  knownTypes(target, signature)
  const places = placed(target, signature, written)
  return parameters.map((parameter) => {
    const text = places.get(parameter)
    if (text === undefined) {
      if (parameter.type?.kind === 'option') return undefined
      throw refused(target, signature, `${target} lacks ${parameter.name}, ${shownType(parameter.type)}`)
    }
    try {
      return readTyped(text, parameter.type)
    } catch (error) {
      const what = `${parameter.name} of ${target} is ${shownType(parameter.type)}`
      throw refused(target, signature, `${what}: ${messageOf(error)}`)
    }
  })
}

function placed(
  target: string,
  signature: Signature,
  written: readonly WrittenArgument[],
): Map<NamedShape, string> {
  const { parameters } = signature
  const places = new Map<NamedShape, string>()
  for (const { name, text } of written) {
    const parameter =
      name === null
        ? parameters.find((candidate) => !places.has(candidate))
        : parameters.find((candidate) => camelCase(candidate.name) === camelCase(name))
    if (parameter === undefined) {
      const what = name === null ? `${written.length} arguments` : `no parameter ${name}`
      throw refused(
        target,
        signature,
        name === null
          ? `${target} was given ${what} and takes ${parameters.length}`
          : `${target} has ${what}`,
      )
    }
    if (places.has(parameter)) throw refused(target, signature, `${parameter.name} is given twice`)
    places.set(parameter, text)
  }
  return places
}

/** Text is what it is, unless it begins like text in quotation marks; so are characters. */
function readTyped(text: string, type: WitShape | null): unknown {
  const inner = type?.kind === 'option' ? type.item : type
  const isBare = !/^\s*["']/.test(text) && !(type?.kind === 'option' && /^\s*(none|null|some\()/.test(text))
  if (isBare && (inner?.kind === 'string' || (inner?.kind === 'char' && [...text].length === 1))) return text
  return readWave(text, type)
}

function fromList(target: string, signature: Signature, text: string): unknown[] {
  const { parameters } = signature
  let list: unknown
  try {
    list = JSON.parse(text)
  } catch (cause) {
    throw refused(target, signature, `the arguments of ${target} are no JSON: ${messageOf(cause)}`)
  }
  if (!Array.isArray(list) || list.length !== parameters.length) {
    const message = `${target} takes a list of ${parameters.length} arguments (${shownMembers(parameters)})`
    throw refused(target, signature, message)
  }
  return parameters.map(({ name, type }, index) => {
    const value = fromJson(list[index], type)
    if (fits(value, type)) return value
    const shown = JSON.stringify(list[index])?.slice(0, 80)
    throw refused(target, signature, `${name} of ${target} is ${shownType(type)}, which ${shown} is not`)
  })
}

/** @throws ERR_CALL_ARGUMENTS where one is not known, or is nothing that can be written */
function knownTypes(target: string, signature: Signature): (WitShape | null)[] {
  return signature.parameters.map(({ name, type }) => {
    if (type !== null && type.kind !== 'handle') return type
    const what = type === null ? 'of a type that cannot be told' : 'a resource or a stream'
    throw refused(target, signature, `${name} of ${target} is ${what}: nobody can write that down`)
  })
}

function refused(target: string, signature: Signature, message: string): Error {
  return valueProblems.error('ERR_CALL_ARGUMENTS', message, {
    hint: `${target} is ${shownFunction(signature)}`,
  })
}
