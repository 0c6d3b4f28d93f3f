/** Functions across the border: imports that an app calls, and the glue that calls what it exports. */
import {
  functionName,
  importOf,
  layoutOf,
  maxFlatParams,
  sequence,
  type CoreImport,
  type Field,
  type Interface,
  type TypeDef,
  type WitFunction,
  type WitType,
} from '../wit/index.ts'
import type { Canonical } from './canonical.ts'
import { docComment, exportedName, memberName, typeName, valueName } from './names.ts'
import { declareType } from './declarations.ts'
import type { SourceFile } from './source-file.ts'

/** No name of WIT: a parameter may be called `this`. */
const selfName = '%self'

/** The functions and types of an imported interface. */
export function addImports(file: SourceFile, canonical: Canonical, owner: Interface): void {
  for (const fn of owner.functions) {
    file.add(...importedFunction(file, canonical, owner, null, fn))
  }
  for (const def of owner.types) {
    if (def.body.kind === 'resource') addImportedResource(file, canonical, def, def.body.functions)
    else declareType(file, def)
  }
}

function addImportedResource(
  file: SourceFile,
  canonical: Canonical,
  def: TypeDef,
  functions: readonly WitFunction[],
): void {
  const drop = canonical.temporary()
  const members = functions.map((fn) => importedFunction(file, canonical, def.owner, def, fn))
  file.add(...members.flatMap((lines) => lines.filter((line) => !line.startsWith('  '))).filter(isCore))
  file.add(...coreFunction(drop, importOf(def.owner, `${def.name}_drop`), ['i32'], null))
  file.add(...docComment(def.docs), `export class ${typeName(def.name)} extends ${file.memory('Resource')} {`)
  for (const lines of members) file.add(...lines.filter((line) => line.startsWith('  ') || line === ''))
  file.add(
    '  /** Gives it back to the host. */',
    '  drop(): void {',
    `    ${drop}(this._take())`,
    '  }',
    '}',
    '',
  )
}

function isCore(line: string): boolean {
  return line.startsWith('@external') || line.startsWith('declare ')
}

/** Its core declaration at the margin, and the typed function: a member's lines begin with two spaces. */
function importedFunction(
  file: SourceFile,
  canonical: Canonical,
  owner: Interface,
  resource: TypeDef | null,
  fn: WitFunction,
): string[] {
  const core = canonical.temporary()
  const self: Field[] =
    fn.kind === 'method' && resource !== null
      ? [{ name: selfName, docs: '', type: { kind: 'borrow', resource } }]
      : []
  const params = [...self, ...fn.params]
  const { flat, offsets, layout } = flatParams(params)
  const result = fn.kind === 'constructor' ? null : fn.result
  const resultFlat = fn.kind === 'constructor' ? (['i32'] as const) : layoutOf(result).flat
  const isReturned = resultFlat.length > 1
  const body: string[] = []
  const args: string[] = []
  if (flat === null) {
    const area = canonical.temporary()
    body.push(`const ${area} = ${file.memory('allocate')}(${layout.sizeBytes}, ${layout.alignBytes})`)
    for (const [index, param] of params.entries()) {
      body.push(canonical.store(param.type, file, area, offsets[index] ?? 0, paramName(param)))
    }
    args.push(`<i32>${area}`)
  } else for (const param of params) args.push(...canonical.lower(param.type, file, paramName(param), body))
  if (isReturned) {
    const area = canonical.temporary()
    const { sizeBytes, alignBytes } = layoutOf(result)
    body.push(`const ${area} = ${file.memory('allocate')}(${sizeBytes}, ${alignBytes})`)
    args.push(`<i32>${area}`)
    body.push(
      `${core}(${args.join(', ')})`,
      `const _result = ${canonical.load(result as WitType, file, area)}`,
    )
  } else if (resultFlat.length === 1) {
    const value = `${core}(${args.join(', ')})`
    if (fn.kind === 'constructor') body.push(`this._handle = ${value}`)
    else if (result !== null) body.push(`const _result = ${canonical.lift(result, file, [value])}`)
  } else body.push(`${core}(${args.join(', ')})`)
  // Room is taken for what has no flat form, and given back when the answer is read.
  const takesRoom = isReturned || flat === null || params.some((param) => needsMemory(param.type))
  if (takesRoom) {
    body.unshift(`const _mark = ${file.memory('mark')}()`)
    body.push(`${file.memory('release')}(_mark)`)
  }
  if (result !== null) body.push('return _result')
  const coreParams = [...(flat ?? ['i32']), ...(isReturned ? ['i32'] : [])]
  return [
    ...coreFunction(
      core,
      importOf(owner, functionName(fn, resource)),
      coreParams,
      isReturned ? null : (resultFlat[0] ?? null),
    ),
    ...functionText(file, fn, resource !== null, body),
    '',
  ]
}

function functionText(
  file: SourceFile,
  fn: WitFunction,
  isMember: boolean,
  body: readonly string[],
): string[] {
  const indent = isMember ? '  ' : ''
  const list = fn.params.map((param) => `${paramName(param)}: ${file.type(param.type)}`).join(', ')
  const returns = fn.result === null ? 'void' : file.type(fn.result)
  const heads = {
    free: `export function ${valueName(fn.name)}(${list}): ${returns} {`,
    method: `${memberName(fn.name)}(${list}): ${returns} {`,
    static: `static ${memberName(fn.name)}(${list}): ${returns} {`,
    constructor: `constructor(${list}) {`,
  }
  const first = fn.kind === 'constructor' ? ['super()'] : []
  return [
    ...docComment(fn.docs, indent),
    indent + heads[fn.kind],
    ...[...first, ...body].map((line) => `${indent}  ${line}`),
    `${indent}}`,
  ]
}

/** What a developer writes for an export, as a message shows it. */
export function signatureOf(file: SourceFile, fn: WitFunction): string {
  const list = fn.params.map((param) => `${paramName(param)}: ${file.type(param.type)}`).join(', ')
  const returns = fn.result === null ? 'void' : file.type(fn.result)
  if (fn.kind === 'constructor') return `constructor(${list})`
  if (fn.kind === 'free') return `export function ${exportedName(fn.name)}(${list}): ${returns}`
  return `${fn.kind === 'static' ? 'static ' : ''}${memberName(fn.name)}(${list}): ${returns}`
}

/**
 * The glue of one export, under a name of its own.
 * @param call makes the app's call from its arguments, the first being \`this\` for a method
 * @returns the lines, and whether there is a post-return of the name with `_post` behind it
 */
export function exportedFunction(
  file: SourceFile,
  canonical: Canonical,
  name: string,
  resource: TypeDef | null,
  fn: WitFunction,
  call: (args: readonly string[]) => string,
): { lines: string[]; hasPost: boolean } {
  const self: Field[] =
    fn.kind === 'method' && resource !== null
      ? [{ name: selfName, docs: '', type: { kind: 'borrow', resource } }]
      : []
  const params = [...self, ...fn.params]
  const result: WitType | null =
    fn.kind === 'constructor' && resource !== null ? { kind: 'own', resource } : fn.result
  const { flat, offsets } = flatParams(params)
  const body: string[] = []
  const names: string[] = []
  let at = 0
  for (const [index, param] of params.entries()) {
    const local = canonical.temporary()
    const value =
      flat === null
        ? canonical.load(param.type, file, '_p0', offsets[index])
        : canonical.lift(
            param.type,
            file,
            layoutOf(param.type).flat.map(() => `_p${at++}`),
          )
    body.push(`const ${local}: ${file.type(param.type)} = ${value}`)
    names.push(local)
  }
  body.push(`${file.memory('entered')}()`)
  body.push(`${result === null ? '' : `const _result: ${file.type(result)} = `}${call(names)}`)
  const resultFlat = layoutOf(result).flat
  const hasPost = resultFlat.length > 1
  const lendsBack = params.some((param) => hasLent(param.type)) ? [`${file.memory('returnLent')}()`] : []
  if (result !== null && hasPost) {
    const { sizeBytes, alignBytes } = layoutOf(result)
    body.push(`const _area = ${file.memory('allocate')}(${sizeBytes}, ${alignBytes})`)
    body.push(canonical.store(result, file, '_area', 0, '_result'), ...lendsBack, 'return _area')
  } else {
    const [value] = result === null ? [] : canonical.lower(result, file, '_result', body)
    if (value !== undefined) body.push(`const _value = ${value}`)
    body.push(...lendsBack, `${file.memory('finished')}()`)
    if (value !== undefined) body.push('return _value')
  }
  const list = (flat ?? ['usize']).map((core, index) => `_p${index}: ${core}`).join(', ')
  const returns = hasPost ? 'usize' : (resultFlat[0] ?? 'void')
  const lines = [
    `export function ${name}(${list}): ${returns} {`,
    ...body.map((line) => `  ${line}`),
    '}',
    '',
  ]
  if (hasPost)
    lines.push(`export function ${name}_post(_: usize): void {`, `  ${file.memory('finished')}()`, '}', '')
  return { lines, hasPost }
}

export function coreFunction(
  name: string,
  core: CoreImport,
  params: readonly string[],
  result: string | null,
): string[] {
  const list = params.map((type, index) => `p${index}: ${type}`).join(', ')
  return [
    `@external(${JSON.stringify(core.module)}, ${JSON.stringify(core.name)})`,
    `declare function ${name}(${list}): ${result ?? 'void'}`,
  ]
}

/** @returns flat null where there are too many to pass flat: then they are in memory, at the offsets */
function flatParams(params: readonly Field[]): {
  flat: readonly string[] | null
  offsets: readonly number[]
  layout: { sizeBytes: number; alignBytes: number }
} {
  const { layout, offsets } = sequence(params.map((param) => param.type))
  return { flat: layout.flat.length > maxFlatParams ? null : layout.flat, offsets, layout }
}

function paramName(param: Field): string {
  return param.name === selfName ? 'this' : valueName(param.name)
}

function needsMemory(type: WitType | null): boolean {
  return (
    type !== null &&
    anyOf(type, (one) => one.kind === 'list' || (one.kind === 'primitive' && one.name === 'string'))
  )
}

/** True where a value holds handles that must go back at the end of the call. */
function hasLent(type: WitType): boolean {
  return anyOf(type, (one) => one.kind === 'borrow' && one.resource.owner.direction === 'import')
}

function anyOf(type: WitType, test: (one: WitType) => boolean): boolean {
  if (test(type)) return true
  switch (type.kind) {
    case 'list':
    case 'option':
      return anyOf(type.of, test)
    case 'tuple':
      return type.of.some((item) => anyOf(item, test))
    case 'result':
      return [type.ok, type.err].some((side) => side !== null && anyOf(side, test))
    case 'defined': {
      const { body } = type.def
      if (body.kind === 'record') return body.fields.some((field) => anyOf(field.type, test))
      return body.kind === 'variant' && body.cases.some((one) => one.type !== null && anyOf(one.type, test))
    }
    default:
      return false
  }
}
