/** WIT's types as AssemblyScript declares them: records and variants as classes, enums and flags as enums. */
import type { Case, Interface, TypeDef, WitType } from '../wit/index.ts'
import { payloadName } from './access.ts'
import { docComment, memberName, typeName } from './names.ts'
import { isReference, type SourceFile } from './source-file.ts'

/** The names that an interface's file defines for its types. */
export function declaredNames(owner: Interface): string[] {
  return owner.types.flatMap((def) => {
    const name = typeName(def.name)
    return def.body.kind === 'variant' ? [name, `${name}Tag`] : [name]
  })
}

/** Everything but resources, whose methods need the canonical ABI. */
export function declareType(file: SourceFile, def: TypeDef): void {
  const name = typeName(def.name)
  file.add(...docComment(def.docs))
  const { body } = def
  if (body.kind === 'record') declareRecord(file, name, def)
  else if (body.kind === 'variant') declareVariant(file, name, body.cases)
  else if (body.kind === 'enum') declareEnum(file, name, body.cases, String)
  else if (body.kind === 'flags') declareEnum(file, name, body.cases, (index) => `1 << ${index}`)
}

/** `use` and `type` under their own names, so that an editor finds them where the WIT has them. */
export function declareAliases(file: SourceFile, owner: Interface): void {
  const taken = new Set(declaredNames(owner))
  for (const { name, docs, type } of owner.aliases) {
    const is = typeName(name)
    if (taken.has(is)) continue
    taken.add(is)
    const target = file.type(type)
    // What is imported under the same name is there already.
    if (target === is) file.add(`export { ${is} }`, '')
    else if (!target.endsWith('| null')) file.add(...docComment(docs), `export type ${is} = ${target}`, '')
  }
}

function declareRecord(file: SourceFile, name: string, def: TypeDef): void {
  if (def.body.kind !== 'record') return
  const fields = def.body.fields.flatMap((field) => [
    ...docComment(field.docs, '    '),
    `    public ${memberName(field.name)}: ${file.type(field.type)},`,
  ])
  file.add(`export class ${name} {`, '  constructor(', ...fields, '  ) {}', '}', '')
}

function declareEnum(
  file: SourceFile,
  name: string,
  cases: readonly Case[],
  value: (index: number) => string,
): void {
  const lines = cases.flatMap((one, index) => [
    ...docComment(one.docs, '  '),
    `  ${memberName(one.name)} = ${value(index)},`,
  ])
  file.add(`export enum ${name} {`, ...lines, '}', '')
}

/** One field for each type of payload, not for each case: a variant of forty cases stays a small object. */
function declareVariant(file: SourceFile, name: string, cases: readonly Case[]): void {
  declareEnum(file, `${name}Tag`, cases, String)
  const fields = new Map<string, { field: string; type: WitType }>()
  for (const { type } of cases) {
    if (type !== null && !fields.has(file.type(type))) {
      fields.set(file.type(type), { field: `_p${fields.size}`, type })
    }
  }
  const lines = [`export class ${name} {`, `  private constructor(readonly tag: ${name}Tag) {}`]
  for (const [is, { field, type }] of fields) {
    const hidden = isReference(type)
      ? `${is} | null = null`
      : type.kind === 'option'
        ? `${is} = null`
        : `${is} = 0`
    const zero = type.kind === 'primitive' && type.name === 'bool' ? `${is} = false` : hidden
    lines.push(`  private ${field}: ${zero}`)
  }
  for (const one of cases) {
    const member = memberName(one.name)
    lines.push('', ...docComment(one.docs, '  '))
    if (one.type === null) {
      lines.push(`  static ${member}(): ${name} {`, `    return new ${name}(${name}Tag.${member})`, '  }')
      continue
    }
    const is = file.type(one.type)
    const { field = '' } = fields.get(is) ?? {}
    const value = isReference(one.type) ? `this.${field}!` : `this.${field}`
    lines.push(
      `  static ${member}(value: ${is}): ${name} {`,
      `    const made = new ${name}(${name}Tag.${member})`,
      `    made.${field} = value`,
      '    return made',
      '  }',
      '',
      `  /** Traps where \`tag\` is not \`${name}Tag.${member}\`. */`,
      `  get ${payloadName(one.name)}(): ${is} {`,
      `    if (this.tag != ${name}Tag.${member}) unreachable()`,
      `    return ${value}`,
      '  }',
    )
  }
  file.add(...lines, '}', '')
}
