/**
 * An app as its developer describes it: `selvedge.toml`, read and checked.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InferOutput } from 'valibot'
import { parseToml, type TomlRefusal } from '../toml/index.ts'
import { canonicalGrants, formatGrant, parseGrant, type Grant } from '../interfaces/index.ts'
import { grantKinds, type GrantKind } from './grants.ts'
import { manifestProblems } from './problems.ts'
import { manifestSchema } from './schema.ts'
import { grantsNeeded, triggerFault, type Trigger } from './triggers.ts'
import { variantFault, type ManifestVariant } from './variants.ts'

export const manifestFileName = 'selvedge.toml'

type Parsed = InferOutput<typeof manifestSchema>

/** The schema's output, with the component's file filled in. Durations in ms, sizes in bytes. */
export type Manifest = Omit<Parsed, 'component' | 'variants'> & {
  readonly component: Parsed['component'] & { readonly file: string }
  readonly variants: readonly ManifestVariant[]
}

/**
 * @param fileName as messages should call it
 * @throws ERR_MANIFEST naming file, field, value and remedy of everything that is wrong
 */
export function parseManifest(text: string, fileName: string = manifestFileName): Manifest {
  const parsed = parseToml(text, fileName, manifestSchema, refuse)
  const granted = grantsOf(parsed)
  for (const [index, trigger] of parsed.triggers.entries()) {
    const missing = grantsNeeded(trigger).map(parseGrant)
    const [lacked] = missing.filter((grant) => !granted.includes(formatGrant(grant)))
    if (lacked !== undefined) throw notGranted(fileName, index, trigger, lacked, parsed.grants)
  }
  for (const topic of Object.keys(parsed.topics)) {
    if (parsed.grants.publish.includes(topic) || parsed.grants.subscribe.includes(topic)) continue
    throw refuse(
      `${fileName}: topics: ${JSON.stringify(topic)} is neither published nor heard by the app`,
      `write publish = [${JSON.stringify(topic)}] or subscribe = [${JSON.stringify(topic)}] under [grants]`,
    )
  }
  const fault = triggerFault(parsed.triggers, granted)
  if (fault !== null) throw refuse(`${fileName}: ${fault}`, 'correct it under [[triggers]]')
  for (const [id, app] of Object.entries(parsed.links)) {
    if (parsed.grants.calls.includes(app)) continue
    const calls = [...parsed.grants.calls, app].map((name) => JSON.stringify(name)).join(', ')
    throw refuse(
      `${fileName}: links: ${JSON.stringify(id)} is linked to ${app}, which the app may not call`,
      `write calls = [${calls}] under [grants]`,
    )
  }
  for (const name of Object.keys(parsed.stores)) {
    if (parsed.grants.keyvalue.includes(name)) continue
    const buckets = [...parsed.grants.keyvalue, name].map((one) => JSON.stringify(one)).join(', ')
    throw refuse(
      `${fileName}: stores.${name}: it is a bucket that the app is not granted`,
      `write keyvalue = [${buckets}] under [grants]`,
    )
  }
  const wrong = variantFault(parsed.variants, parsed.component)
  if (wrong !== null) throw refuse(`${fileName}: ${wrong}`, 'correct it under [[variants]]')
  const file = parsed.component.file ?? `build/${parsed.app.name}.wasm`
  const variants = parsed.variants.map((variant) => ({
    ...variant,
    file: variant.file ?? `build/${parsed.app.name}.${variant.name}.wasm`,
  }))
  const twice = [file, ...variants.map((variant) => variant.file)].find(
    (one, at, all) => all.indexOf(one) !== at,
  )
  if (twice !== undefined) {
    throw refuse(
      `${fileName}: two components are to lie in ${twice}`,
      'give each variant a `file` of its own',
    )
  }
  return { ...parsed, component: { ...parsed.component, file }, variants }
}

/** Reads the manifest of an app's folder. @throws ERR_MANIFEST, ERR_MANIFEST_MISSING */
export async function readManifest(folder: string): Promise<Manifest> {
  const path = join(folder, manifestFileName)
  let text: string
  try {
    text = await readFile(path, 'utf8')
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'ENOENT' || code === 'ENOTDIR') {
      throw manifestProblems.error('ERR_MANIFEST_MISSING', `there is no ${path}`, { cause: error })
    }
    throw manifestProblems.error('ERR_MANIFEST', `${path} cannot be read (${code})`, {
      hint: 'give this user the right to read it',
      cause: error,
    })
  }
  return parseManifest(text, path)
}

/** What the app asks for, as canonical grants: sorted, each once. */
export function grantsOf(manifest: Pick<Manifest, 'grants'>): string[] {
  const lists = Object.entries(grantKinds) as [keyof typeof grantKinds, GrantKind][]
  return canonicalGrants(
    lists.flatMap(([list, kind]) => manifest.grants[list].map((name): Grant => ({ kind, name }))),
  )
}

function notGranted(
  fileName: string,
  index: number,
  trigger: Trigger,
  { kind, name }: Grant,
  grants: Parsed['grants'],
): Error {
  const [field = ''] = Object.entries(trigger).find(([key, value]) => key !== 'kind' && value === name) ?? []
  const lists = Object.entries(grantKinds) as [keyof typeof grantKinds, GrantKind][]
  const [list] = lists.find(([, granted]) => granted === kind) ?? ['sensors' as const]
  const names = [...grants[list], name].map((each) => JSON.stringify(each)).join(', ')
  return refuse(
    `${fileName}: triggers[${index}].${field}: ${JSON.stringify(name)} is not granted to the app`,
    `write ${list} = [${names}] under [grants]`,
  )
}

const refuse: TomlRefusal = (message, hint) => manifestProblems.error('ERR_MANIFEST', message, { hint })
