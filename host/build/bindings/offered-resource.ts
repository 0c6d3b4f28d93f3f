/** Resources that the app itself defines: the class it extends, and how its objects become handles and come back. */
import { exportIntrinsic, type TypeDef } from '../wit/index.ts'
import type { Canonical } from './canonical.ts'
import { coreFunction, signatureOf } from './functions.ts'
import { docComment, typeName } from './names.ts'
import type { SourceFile } from './source-file.ts'

/** The resources that an app offers: a class to extend, and what hands its objects to the host. */
export function addOfferedResource(
  file: SourceFile,
  canonical: Canonical,
  def: TypeDef,
  unique: string,
): void {
  if (def.body.kind !== 'resource') return
  const name = typeName(def.name)
  const core = { new: canonical.temporary(), rep: canonical.temporary(), drop: canonical.temporary() }
  for (const action of ['new', 'rep', 'drop'] as const) {
    file.add(
      ...coreFunction(core[action], exportIntrinsic(def, action), ['i32'], action === 'drop' ? null : 'i32'),
    )
  }
  const methods = def.body.functions.filter((fn) => fn.kind === 'method')
  file.add(
    `if (ASC_RUNTIME == 0) ERROR('the runtime "stub" forgets objects after every call; a world that exports resources needs "minimal"')`,
    '',
    ...docComment(def.docs),
    `export abstract class ${name} extends ${file.memory('Offered')} {`,
    ...methods.flatMap((fn) => [...docComment(fn.docs, '  '), `  abstract ${signatureOf(file, fn)}`, '']),
    '  /** Gives up the handle that this component has to it. */',
    '  drop(): void {',
    `    ${core.drop}(this._take())`,
    '  }',
    '}',
    '',
    `export function _received${unique}(handle: i32): ${name} {`,
    `  const object = changetype<${name}>(<usize>${core.rep}(handle))`,
    '  object._handle = handle',
    '  return object',
    '}',
    '',
    `export function _given${unique}(object: ${name}): i32 {`,
    `  if (object._handle != 0) return object._take()`,
    `  return ${core.new}(${file.memory('offer')}(object))`,
    '}',
    '',
  )
}
