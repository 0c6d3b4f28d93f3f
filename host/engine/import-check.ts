/**
 * Whether an app may have what its component imports, and exports what its triggers call.
 *
 * A refusal names everything at once, says for each import whether it is unknown here or only not granted, and
 * which line would grant it: a developer fixes it in one go.
 */
import { closest } from 'fastest-levenshtein'
import { plainText, type SelvedgeError } from '../../core/index.ts'
import type { ComponentFacts, InterfaceId, OfferedInterface } from './contract.ts'
import { parseInterface, satisfies, satisfiesExport } from '../guest/index.ts'
import { engineProblems } from './problems.ts'

export interface Wanted {
  readonly granted: readonly InterfaceId[]
  readonly offered: readonly OfferedInterface[]
  readonly requiredExports: readonly InterfaceId[]
  howToGrant?(kinds: readonly string[]): string
}

/** @returns the error to throw, or null where all is well */
export function refusalOf(
  facts: Pick<ComponentFacts, 'imports' | 'exports'>,
  wanted: Wanted,
): SelvedgeError | null {
  return refusedImports(facts.imports, wanted) ?? missingExports(facts.exports, wanted.requiredExports)
}

/** Lines of a refusal: more than any toolchain's imports, and a screen full. */
const maxListed = 40
/** Exports named in a refusal. */
const maxExports = 12

interface Missing {
  readonly id: InterfaceId
  readonly line: string
  /** What would open it; null where nothing would. */
  readonly offer: OfferedInterface | null
}

function refusedImports(imports: readonly InterfaceId[], wanted: Wanted): SelvedgeError | null {
  const missing: Missing[] = []
  for (const id of imports) {
    if (wanted.granted.some((granted) => satisfies(granted, id))) continue
    const offer = wanted.offered.find((candidate) => satisfies(candidate.id, id))
    if (offer === undefined)
      missing.push({ id, line: `${id}: ${unknownHere(id, wanted.offered)}`, offer: null })
    else if (offer.grantKind !== null) missing.push({ id, line: `${id}: not granted`, offer })
  }
  if (missing.length === 0) return null
  const what = missing.length === 1 ? 'an interface' : `${missing.length} interfaces`
  const lines = missing.slice(0, maxListed).map(({ line }) => `\n  ${line}`)
  if (missing.length > maxListed) lines.push(`\n  and ${missing.length - maxListed} more`)
  return engineProblems.error(
    'ERR_IMPORTS_REFUSED',
    `the component imports ${what} it cannot have here${lines.join('')}`,
    {
      hint: hintFor(missing, wanted),
    },
  )
}

const anyName = 'NAME'

function hintFor(missing: readonly Missing[], { howToGrant }: Wanted): string {
  const lists = new Map(
    missing.flatMap(({ offer }) => {
      const kind = offer?.grantKind ?? null
      return kind === null
        ? []
        : [[kind, { list: offer?.grantList ?? `${kind}s`, takes: offer?.grantTakes ?? anyName }]]
    }),
  )
  const kinds = [...lists.keys()].sort()
  const written = kinds.map((kind) => ({ kind, ...lists.get(kind)! }))
  const lines = written.map(({ list, takes }) => `${list} = ["${takes}"]`).join(' and ')
  const flags = written.map(({ kind, takes }) => `--grant ${kind}:${takes}`).join(' ')
  const named = written.some(({ takes }) => takes === anyName)
    ? `, ${anyName} being the name the component uses`
    : ''
  const grant =
    howToGrant?.(kinds) ??
    `write ${lines} under [grants] in selvedge.toml (or publish with \`${flags}\`)${named}`
  const none = missing.filter(({ offer }) => offer === null).length
  if (none === 0) return grant
  const without = `build the component without ${none === 1 ? 'the one' : `the ${none}`} that this node does not have; no grant helps there. \`selvedge interfaces\` lists what it offers`
  const [foreign] = missing.flatMap(({ id }) => (/^(wasi|selvedge):|^[^:]*$/.test(id) ? [] : [id]))
  const link =
    foreign === undefined
      ? ''
      : `. Where another app exports it, write "${foreign}" = "APP" under [links] and calls = ["APP"] under [grants]`
  return `${kinds.length === 0 ? without : `${grant}; ${without}`}${link}`
}

/** In words, with the nearest that there is. */
function unknownHere(id: InterfaceId, offered: readonly OfferedInterface[]): string {
  if (!id.includes(':')) return 'a function of its own world, which no node provides'
  const { path, version } = parseInterface(id)
  const sameName = sameLine(
    id,
    offered.filter((offer) => parseInterface(offer.id).path === path),
  )[0]
  if (sameName !== undefined) {
    const offer = parseInterface(sameName.id).version || 'none'
    return `wants version ${version || 'none'}, this node offers ${offer}, which cannot stand in for it`
  }
  const kin = sameLine(
    id,
    offered.filter((offer) => namespaceOf(offer.id) === namespaceOf(id)),
  )
  const nearest =
    kin.length === 0
      ? null
      : closest(
          id,
          kin.map((offer) => offer.id),
        )
  return `not an interface of this node${nearest === null ? '' : `; the nearest it has is ${nearest}`}`
}

/** Those of the same major and minor version, where there are any: who builds for WASI 0.2 is not helped with 0.3. */
function sameLine(id: InterfaceId, offered: readonly OfferedInterface[]): readonly OfferedInterface[] {
  const same = offered.filter((offer) => lineOf(offer.id) === lineOf(id))
  return same.length === 0 ? offered : same
}

function lineOf(id: InterfaceId): string {
  return parseInterface(id).version.split('.', 2).join('.')
}

function namespaceOf(id: InterfaceId): string {
  return id.slice(0, id.indexOf(':'))
}

function missingExports(exports: readonly string[], required: readonly InterfaceId[]): SelvedgeError | null {
  const missing = required.filter((id) => !exports.some((name) => satisfiesExport(name, id)))
  if (missing.length === 0) return null
  const others = exports.length > maxExports ? ` and ${exports.length - maxExports} more` : ''
  const named = exports.slice(0, maxExports).map(plainText).join(', ')
  const has = exports.length === 0 ? 'it exports nothing' : `it exports ${named}${others}`
  return engineProblems.error(
    'ERR_HANDLER_MISSING',
    `the component does not export ${missing.join(' and ')}, which its triggers call; ${has}`,
  )
}
