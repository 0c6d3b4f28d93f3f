/**
 * The canonical ABI written out (CanonicalABI.md, "Loading", "Storing", "Flattening"): for each compound type that a
 * world uses, functions that read it from memory, write it there, or make it from flat values. They are emitted on
 * first use, once per type, into one file that nobody needs to read.
 */
import { casesOf, choice, layoutOf, sequence, type TypeDef, type WitType } from '../wit/index.ts'
import { accessOf, membersOf } from './access.ts'
import { convert, flagsMask } from './core-values.ts'
import { memberName } from './names.ts'
import { isBytes, isPlainElement, isReference, primitiveType, type SourceFile } from './source-file.ts'
import { typeKey } from './type-key.ts'

type ListType = WitType & { readonly kind: 'list' | 'option' }

export class Canonical {
  readonly file: SourceFile
  readonly #emitted = new Set<string>()
  readonly #names: ReadonlyMap<TypeDef, string>
  #temporaries = 0

  /** @param names one for each defined type, unique in the world */
  constructor(file: SourceFile, names: ReadonlyMap<TypeDef, string>) {
    this.file = file
    this.#names = names
  }

  /** A name that no other has in the function being written. */
  temporary(): string {
    return `_${this.#temporaries++}`
  }

  /** The name that only this type has among the world's. */
  uniqueName(def: TypeDef): string {
    return this.#names.get(def) ?? ''
  }

  /** The value at `at + offset`, as an expression of `file`. */
  load(type: WitType, file: SourceFile, at: string, offset = 0): string {
    const place = offset === 0 ? at : `${at} + ${offset}`
    const rest = offset === 0 ? '' : `, ${offset}`
    switch (type.kind) {
      case 'primitive':
        if (type.name === 'string') return `${file.memory('loadString')}(${place})`
        return `load<${primitiveType(type.name)}>(${at}${rest})`
      case 'own':
      case 'borrow':
        return this.lift(type, file, [`load<i32>(${at}${rest})`])
      case 'list': {
        const pointer = `load<usize>(${at}${rest})`
        return this.lift(type, file, [pointer, `load<usize>(${at}, ${offset + 4})`])
      }
      default:
        if (type.kind === 'defined' && (type.def.body.kind === 'enum' || type.def.body.kind === 'flags')) {
          return `<i32>load<u${layoutOf(type).sizeBytes * 8}>(${at}${rest})`
        }
        return `${file.canonical(this.#helper('load', type))}(${place})`
    }
  }

  /** A statement of `file` that writes a value to `at + offset`. */
  store(type: WitType, file: SourceFile, at: string, offset: number, value: string): string {
    const place = offset === 0 ? at : `${at} + ${offset}`
    const rest = offset === 0 ? '' : `, ${offset}`
    switch (type.kind) {
      case 'primitive':
        if (type.name === 'string') return `${file.memory('storeString')}(${place}, ${value})`
        return `store<${primitiveType(type.name)}>(${at}, ${value}${rest})`
      case 'own':
      case 'borrow':
        return `store<i32>(${at}, ${this.#handle(type, file, value)}${rest})`
      default:
        if (type.kind === 'defined' && (type.def.body.kind === 'enum' || type.def.body.kind === 'flags')) {
          return `store<u${layoutOf(type).sizeBytes * 8}>(${at}, ${flagsMask(type, value)}${rest})`
        }
        return `${file.canonical(this.#helper('store', type))}(${place}, ${value})`
    }
  }

  /** A value made from flat ones, as an expression of `file`. */
  lift(type: WitType, file: SourceFile, flat: readonly string[]): string {
    const [first = '', second = ''] = flat
    switch (type.kind) {
      case 'primitive':
        if (type.name === 'string') return `${file.memory('liftString')}(<usize>${first}, <usize>${second})`
        if (type.name === 'bool') return `${first} != 0`
        return type.name === 'f32' || type.name === 'f64' ? first : `<${primitiveType(type.name)}>${first}`
      case 'list':
        if (isBytes(type)) return `${file.memory('liftBytes')}(<usize>${first}, <usize>${second})`
        if (isPlainElement(type.of))
          return `${file.memory('liftNumbers')}<${file.type(type.of)}>(<usize>${first}, <usize>${second})`
        return `${file.canonical(this.#helper('lift', type))}(<usize>${first}, <usize>${second})`
      case 'own':
      case 'borrow':
        if (type.resource.owner.direction === 'export') {
          return type.kind === 'own'
            ? `${file.use(this.#ownerFile(file, type.resource), `_received${this.uniqueName(type.resource)}`)}(${first})`
            : `changetype<${file.type(type)}>(<usize>${first})`
        }
        return `${file.memory(type.kind === 'own' ? 'adopt' : 'lend')}<${file.type(type)}>(${first})`
      case 'defined':
        if (type.def.body.kind === 'enum' || type.def.body.kind === 'flags') return first
        break
      default:
    }
    return `${file.canonical(this.#helper('flat', type))}(${flat.join(', ')})`
  }

  /** Flat values of one value: statements go to `lines`, the expressions are returned. */
  lower(type: WitType, file: SourceFile, value: string, lines: string[]): string[] {
    switch (type.kind) {
      case 'primitive':
        if (type.name === 'string')
          return this.#lowered(lines, `${file.memory('lowerString')}(${value})`, file)
        if (type.name === 'f32' || type.name === 'f64') return [value]
        return [`<${layoutOf(type).flat[0]}>${value}`]
      case 'own':
      case 'borrow':
        return [this.#handle(type, file, value)]
      case 'list': {
        const list = this.temporary()
        lines.push(`const ${list} = ${value}`)
        return [`<i32>${this.#lowerList(type, file, list)}`, `${list}.length`]
      }
      case 'tuple':
        return type.of.flatMap((item, index) => this.lower(item, file, `${value}.v${index}`, lines))
      case 'option':
      case 'result':
        return this.#lowerCases(type, file, value, lines)
      default: {
        const { body } = type.def
        if (body.kind === 'enum' || body.kind === 'flags') return [flagsMask(type, value)]
        if (body.kind !== 'record') return this.#lowerCases(type, file, value, lines)
        return body.fields.flatMap((field) =>
          this.lower(field.type, file, `${value}.${memberName(field.name)}`, lines),
        )
      }
    }
  }

  #lowered(lines: string[], call: string, file: SourceFile): string[] {
    const [at, length] = [this.temporary(), this.temporary()]
    lines.push(`const ${at} = <i32>${call}`, `const ${length} = <i32>${file.memory('loweredLength')}`)
    return [at, length]
  }

  #lowerList(type: ListType, file: SourceFile, list: string): string {
    if (isPlainElement(type.of)) return `${list}.dataStart`
    return `${file.canonical(this.#helper('lower', type))}(${list})`
  }

  #lowerCases(type: WitType, file: SourceFile, value: string, lines: string[]): string[] {
    const cases = casesOf(type)
    const { flat } = layoutOf(type)
    const source = this.temporary()
    lines.push(`const ${source} = ${value}`)
    const { tag, payload } = accessOf(type, source)
    const targets = flat.map(() => this.temporary())
    const [tagTarget = '', ...rest] = targets
    lines.push(`const ${tagTarget}: i32 = ${tag}`)
    for (const [index, target] of rest.entries()) lines.push(`let ${target}: ${flat[index + 1]} = 0`)
    for (const [index, one] of cases.entries()) {
      if (one === null) continue
      const inner: string[] = []
      const item = this.temporary()
      inner.push(`const ${item} = ${payload(index)}`)
      const from = layoutOf(one).flat
      for (const [part, expression] of this.lower(one, file, item, inner).entries()) {
        inner.push(`${rest[part]} = ${convert(expression, from[part] ?? 'i32', flat[part + 1] ?? 'i32')}`)
      }
      // The test that also tells the compiler that the value is not null.
      const test = type.kind === 'option' ? `${source} !== null` : `${tagTarget} == ${index}`
      lines.push(`if (${test}) {`, ...inner.map((line) => `  ${line}`), '}')
    }
    return targets
  }

  #handle(type: WitType & { kind: 'own' | 'borrow' }, file: SourceFile, value: string): string {
    if (type.kind === 'borrow') return `${value}._borrow()`
    if (type.resource.owner.direction === 'import') return `${value}._take()`
    return `${file.use(this.#ownerFile(file, type.resource), `_given${this.uniqueName(type.resource)}`)}(${value})`
  }

  #ownerFile(file: SourceFile, resource: TypeDef): string {
    return file.fileOf(resource.owner)
  }

  /** The name of a helper, which is written when it is first asked for. */
  #helper(action: 'load' | 'store' | 'lift' | 'lower' | 'flat', type: WitType): string {
    const name = `${action}_${typeKey(type, this.#names)}`
    if (this.#emitted.has(name)) return name
    this.#emitted.add(name)
    const { file } = this
    const is = file.type(type)
    if (action === 'load')
      file.add(...block(`export function ${name}(at: usize): ${is}`, this.#loadBody(type)))
    else if (action === 'store') {
      file.add(...block(`export function ${name}(at: usize, value: ${is}): void`, this.#storeBody(type)))
    } else if (action === 'flat') {
      const { flat } = layoutOf(type)
      const params = flat.map((core, index) => `p${index}: ${core}`).join(', ')
      file.add(...block(`export function ${name}(${params}): ${is}`, this.#flatBody(type)))
    } else if (type.kind === 'list') this.#addList(action, name, type)
    return name
  }

  #addList(action: 'lift' | 'lower', name: string, type: ListType): void {
    const { file } = this
    const is = file.type(type)
    const { sizeBytes, alignBytes } = layoutOf(type.of)
    if (action === 'lift') {
      const body = [
        `const list = new ${is}(<i32>length)`,
        `for (let index = 0; index < <i32>length; index++) {`,
        `  list[index] = ${this.load(type.of, file, `(at + index * ${sizeBytes})`)}`,
        '}',
        'return list',
      ]
      file.add(...block(`export function ${name}(at: usize, length: usize): ${is}`, body))
      return
    }
    const body = [
      'const length = list.length',
      `const at = ${file.memory('allocate')}(<usize>length * ${sizeBytes}, ${alignBytes})`,
      `for (let index = 0; index < length; index++) {`,
      `  ${this.store(type.of, file, `(at + index * ${sizeBytes})`, 0, 'list[index]')}`,
      '}',
      'return at',
    ]
    file.add(...block(`export function ${name}(list: ${is}): usize`, body))
  }

  #loadBody(type: WitType): string[] {
    const members = membersOf(type)
    if (members !== null) {
      const { offsets } = sequence(members.map((member) => member.type))
      const values = members.map((member, index) => this.load(member.type, this.file, 'at', offsets[index]))
      return [`return new ${this.file.type(type)}(${values.join(', ')})`]
    }
    const { tagBytes, payloadOffset } = choice(casesOf(type))
    return this.#switch(type, `load<u${tagBytes * 8}>(at)`, (one) =>
      this.load(one, this.file, 'at', payloadOffset),
    )
  }

  #flatBody(type: WitType): string[] {
    const members = membersOf(type)
    if (members !== null) {
      let at = 0
      const values = members.map(({ type: member }) => {
        const { flat } = layoutOf(member)
        return this.lift(
          member,
          this.file,
          flat.map(() => `p${at++}`),
        )
      })
      return [`return new ${this.file.type(type)}(${values.join(', ')})`]
    }
    const { flat } = layoutOf(type)
    return this.#switch(type, 'p0', (one) => {
      const parts = layoutOf(one).flat.map((core, index) =>
        convert(`p${index + 1}`, flat[index + 1] ?? 'i32', core),
      )
      return this.lift(one, this.file, parts)
    })
  }

  /** A statement for each case; the last needs no test. */
  #switch(type: WitType, tag: string, payload: (one: WitType) => string): string[] {
    const cases = casesOf(type)
    const lines = [`const tag = <i32>${tag}`]
    for (const [index, one] of cases.entries()) {
      const value = this.#make(type, index, one === null ? null : payload(one))
      lines.push(index === cases.length - 1 ? `return ${value}` : `if (tag == ${index}) return ${value}`)
    }
    return lines
  }

  #make(type: WitType, index: number, payload: string | null): string {
    const { file } = this
    if (type.kind === 'option') {
      if (payload === null) return 'null'
      return isReference(type.of)
        ? payload
        : `new ${file.use('values', 'Some')}<${file.type(type.of)}>(${payload})`
    }
    if (type.kind === 'result') {
      const sides = `<${file.type(type.ok)}, ${file.type(type.err)}>`
      return `${file.use('values', index === 0 ? 'ok' : 'err')}${sides}(${payload ?? 'true'})`
    }
    if (type.kind !== 'defined' || type.def.body.kind !== 'variant')
      throw new Error(`no cases in a ${type.kind}`)
    const name = memberName(type.def.body.cases[index]?.name ?? '')
    return `${file.class(type.def)}.${name}(${payload ?? ''})`
  }

  #storeBody(type: WitType): string[] {
    const { file } = this
    if (type.kind === 'list') {
      return [
        `store<usize>(at, ${this.#lowerList(type, file, 'value')})`,
        `store<usize>(at, <usize>value.length, 4)`,
      ]
    }
    const members = membersOf(type)
    if (members !== null) {
      const { offsets } = sequence(members.map((member) => member.type))
      return members.map((member, index) =>
        this.store(member.type, file, 'at', offsets[index] ?? 0, `value.${member.name}`),
      )
    }
    const cases = casesOf(type)
    const { tagBytes, payloadOffset } = choice(cases)
    const { tag, payload } = accessOf(type, 'value')
    const lines = [`const tag: i32 = ${tag}`, `store<u${tagBytes * 8}>(at, tag)`]
    for (const [index, one] of cases.entries()) {
      if (one === null) continue
      const test = type.kind === 'option' ? 'value !== null' : `tag == ${index}`
      lines.push(`if (${test}) ${this.store(one, file, 'at', payloadOffset, payload(index))}`)
    }
    return lines
  }
}

function block(head: string, body: readonly string[]): string[] {
  return [`${head} {`, ...body.map((line) => `  ${line}`), '}', '']
}
