/** The functions of an app that others may call, and which of them a name means. */
import { nearestName } from '../../core/index.ts'
import type { ComponentFunctions, Signature } from '../engine/index.ts'
import { camelCase, parseInterface, satisfiesExport } from '../guest/index.ts'
import { appProblems } from './problems.ts'

export interface ExportedFunction {
  /** As a sandbox takes it. */
  readonly target: string
  /** With its version; empty for the world's own. */
  readonly interface: string
  readonly name: string
  readonly signature: Signature
  /** What its WIT says of it. */
  readonly docs?: string | undefined
  /** What its WIT says of the interface; with the first of its functions alone. */
  readonly about?: string | undefined
}

/** Names in a hint. */
const maxNamed = 8

/** Without those whose types cannot be told, which nothing that comes could be held against, and methods of resources. */
export function exportedFunctions(functions: ComponentFunctions | undefined): ExportedFunction[] {
  return (functions?.exports ?? []).flatMap(({ id, docs: about, functions: own }) =>
    own
      .flatMap(({ name, signature, docs }) =>
        signature === null || name.startsWith('[')
          ? []
          : [{ target: id === '' ? name : `${id}#${name}`, interface: id, name, signature, docs }],
      )
      .map((found, index) => (index === 0 && about !== undefined ? { ...found, about } : found)),
  )
}

/**
 * By its full name, whose version may be another of the same line, or in the short forms that people write: `function`
 * where only one interface has it, `interface.function`.
 * @throws ERR_CALL_FUNCTION
 */
export function callTarget(
  app: string,
  functions: readonly ExportedFunction[],
  wanted: string,
): ExportedFunction {
  const found = functions.filter((candidate) => isMeant(candidate, wanted))
  const [first] = found
  if (first !== undefined && found.length === 1) return first
  const shown = JSON.stringify(wanted.slice(0, 120))
  if (found.length > 1) {
    throw appProblems.error('ERR_CALL_FUNCTION', `${app} exports several functions called ${shown}`, {
      hint: `name one of them: ${found.map(({ target }) => target).join(', ')}`,
    })
  }
  const names = functions.map(shortName)
  const nearest = nearestName(wanted, [...names, ...functions.map(({ target }) => target)])
  const has = names.slice(0, maxNamed).join(', ') + (names.length > maxNamed ? ', …' : '')
  throw appProblems.error('ERR_CALL_FUNCTION', `${app} exports no function ${shown} that can be called`, {
    hint:
      nearest !== null
        ? `did you mean ${nearest}? \`selvedge call ${app}\` lists all`
        : names.length === 0
          ? 'it exports none with types that others could write'
          : `it exports ${has}; \`selvedge call ${app}\` lists them with their types`,
  })
}

/** The shortest that means it alone. */
export function shortestName<Found extends Pick<ExportedFunction, 'target' | 'interface' | 'name'>>(
  called: Found,
  functions: readonly Found[],
): string {
  const forms = [called.name, shortName(called)]
  return forms.find((form) => functions.filter((one) => isMeant(one, form)).length === 1) ?? called.target
}

/** `api.to-fahrenheit`; the name alone for one of the world itself. */
export function shortName({ interface: id, name }: Pick<ExportedFunction, 'interface' | 'name'>): string {
  return id === '' ? name : `${parseInterface(id).path.replace(/^.*\//, '')}.${name}`
}

function isMeant(candidate: Pick<ExportedFunction, 'interface' | 'name'>, wanted: string): boolean {
  const hash = wanted.lastIndexOf('#')
  if (hash !== -1) {
    return (
      candidate.interface !== '' &&
      sameName(candidate.name, wanted.slice(hash + 1)) &&
      satisfiesExport(candidate.interface, wanted.slice(0, hash))
    )
  }
  return sameName(candidate.name, wanted) || shortName(candidate) === wanted
}

function sameName(name: string, wanted: string): boolean {
  return camelCase(name) === camelCase(wanted)
}
