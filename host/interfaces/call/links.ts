/**
 * Interfaces that an app imports and another app exports. The functions are those of the importing component's own
 * world: values pass as they are, and the node of the called app holds them against its types, this one what comes back.
 */
import { plainText } from '../../../core/index.ts'
import {
  WitError,
  type BoundFunction,
  type BoundInterface,
  type ComponentFacts,
  type FunctionFacts,
  type InterfaceId,
  type Signature,
  type WitShape,
} from '../../engine/index.ts'
import { fits } from '../../values/index.ts'
import type { AppContext } from '../context.ts'
import { grantedNames } from '../grants.ts'
import { interfaceProblems } from '../problems.ts'
import { callFailure, reserved, type CallFailure } from './failure.ts'

/** Which app exports an interface, by the interface. */
export type Links = Readonly<Record<InterfaceId, string>>

/** Functions named in a refusal. */
const maxNamed = 4

/** Those links whose app is granted; none stands for an interface of the node or of WASI. */
export function grantedLinks(
  links: Links | undefined,
  grants: readonly string[],
): [id: InterfaceId, app: string][] {
  const apps = grantedNames(grants, 'call')
  return Object.entries(links ?? {}).filter(([id, app]) => apps.includes(app) && isLinkable(id))
}

/** WASI's and Selvedge's own are the node's to give. */
export function isLinkable(id: InterfaceId): boolean {
  return !/^(wasi|selvedge):/.test(id)
}

/** Before the component runs. @throws ERR_LINK where values of a linked interface cannot leave their node */
export function checkLinks(
  links: Links | undefined,
  grants: readonly string[],
  { functions, imports }: Pick<ComponentFacts, 'functions' | 'imports'>,
): void {
  for (const [id, app] of grantedLinks(links, grants)) {
    if (!imports.includes(id)) continue
    const known = functions?.imports.find((one) => one.id === id)?.functions
    if (known === undefined) {
      const message = `the functions of ${id}, which ${app} exports, cannot be told from the component`
      throw interfaceProblems.error('ERR_LINK', message)
    }
    const bad = known.filter(({ name, signature }) => name.startsWith('[') || !isPlain(signature))
    if (bad.length === 0) continue
    const names = bad.slice(0, maxNamed).map(({ name }) => plainText(name))
    const more = bad.length > maxNamed ? ` and ${bad.length - maxNamed} more` : ''
    const message = `${names.join(', ')}${more} of ${id} pass resources or streams, which stay on the node of ${app}`
    throw interfaceProblems.error('ERR_LINK', message)
  }
}

/** Whether all of its types are known, and values of them can travel. */
function isPlain(signature: Signature | null): boolean {
  if (signature === null) return false
  const types = signature.parameters.map(({ type }) => type)
  return types.every(isValue) && (signature.result === null || isValue(signature.result))
}

function isValue(type: WitShape | null): boolean {
  if (type === null || type.kind === 'handle') return false
  if ('members' in type) return type.members.every((member) => member.type === null || isValue(member.type))
  if ('items' in type) return type.items.every(isValue)
  if ('item' in type) return isValue(type.item)
  if (type.kind !== 'result') return true
  return (type.ok === null || isValue(type.ok)) && (type.err === null || isValue(type.err))
}

/** @param functions those of the component that imports them */
export function bindLinks(
  links: Links | undefined,
  grants: readonly string[],
  functions: ComponentFacts['functions'],
  context: Pick<AppContext, 'app' | 'call' | 'log'>,
): BoundInterface[] {
  return grantedLinks(links, grants).flatMap(([id, app]) => {
    const known = functions?.imports.find((one) => one.id === id)?.functions
    if (known === undefined) return []
    const bound = known.map(({ name, signature }): [string, BoundFunction] => [
      name,
      linked({ app, id, name, signature }, context),
    ])
    return [{ id, functions: Object.fromEntries(bound) }]
  })
}

interface Linked extends FunctionFacts {
  readonly app: string
  readonly id: InterfaceId
}

function linked(
  { app, id, name, signature }: Linked,
  { app: self, call, log }: Pick<AppContext, 'app' | 'call' | 'log'>,
): BoundFunction {
  const target = `${id}#${name}`
  const result = signature?.result ?? null
  const [ok, err] = result?.kind === 'result' ? [result.ok, result.err] : [result, null]
  const failed = (failure: CallFailure): Error => {
    log('warn', 'call', `${target} of ${app}: ${failure.message}`)
    const told = result?.kind === 'result' ? expressed(err, failure) : undefined
    return told === undefined ? new Error(`the call of ${app} came to nothing: ${failure.message}`) : told
  }
  const other = (): Error =>
    failed({ tag: 'failed', message: 'what it returned is not of the type that this app was built for' })
  return {
    mode: 'call',
    async run(args, caller) {
      let value: unknown
      try {
        ;({ value } = await call({ app, target, args, caller: self, ...reserved(caller) }))
      } catch (error) {
        if (!(error instanceof WitError)) throw failed(callFailure(error))
        throw result?.kind === 'result' && (err === null || fits(error.payload, err)) ? error : other()
      }
      if (ok !== null && !fits(value, ok)) throw other()
      return value
    },
  }
}

/** Cases of an app's own error type that stand for a call that came to nothing, beside those named as in `call-error`. */
const failureCases: readonly string[] = ['unavailable', 'call-failed', 'failed', 'other']

/** The failure as a value of the function's error type; undefined where that has no room for it: then the app ends. */
function expressed(type: WitShape | null, { tag, message }: CallFailure): WitError | undefined {
  if (type === null) return new WitError(undefined)
  if (type.kind === 'string') return new WitError(message)
  const names = [tag, ...failureCases]
  if (type.kind === 'enum') {
    const named = names.find((name) => type.names.includes(name))
    return named === undefined ? undefined : new WitError(named)
  }
  if (type.kind !== 'variant') return undefined
  const cases = names.flatMap((name) => type.members.filter((member) => member.name === name))
  const fitting = cases.find((member) => member.type === null || member.type.kind === 'string')
  if (fitting === undefined) return undefined
  return new WitError(fitting.type === null ? { tag: fitting.name } : { tag: fitting.name, val: message })
}
