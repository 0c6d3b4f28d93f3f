/**
 * References into a registry, as Docker and the distribution specification write them: HOST/NAME:TAG@DIGEST.
 *
 * The host is never left out here: `org/app:1.2` may just as well be a folder that somebody mistyped.
 */
import { formatsProblems } from '../problems.ts'

export interface RegistryReference {
  /** With its port, as it is written: `ghcr.io`, `localhost:5000`. */
  readonly registry: string
  readonly repository: string
  readonly tag: string | null
  /** `sha256:…`; counts where there is a tag as well. */
  readonly digest: string | null
}

const scheme = /^(?:oci|docker):\/\//
const hostPattern =
  /^(?:localhost|[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)+|\[[0-9a-f:.]+\]|[a-z0-9-]+(?=:))(?::\d{1,5})?$/i
const repositoryPattern =
  /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/
const tagPattern = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$/
const digestPattern = /^sha256:[0-9a-f]{64}$/
const maxReference = 512

/** True where a text can only be meant as a reference: it has a scheme, or begins with a host. */
export function isReference(text: string): boolean {
  if (scheme.test(text)) return true
  const slash = text.indexOf('/')
  return slash > 0 && hostPattern.test(text.slice(0, slash)) && !text.slice(0, slash).startsWith('.')
}

/** @throws ERR_REGISTRY_REFERENCE */
export function parseReference(text: string): RegistryReference {
  const plain = text.replace(scheme, '')
  if (plain.length > maxReference) throw wrong(text, 'it is too long')
  const slash = plain.indexOf('/')
  const registry = plain.slice(0, Math.max(0, slash))
  if (!hostPattern.test(registry)) throw wrong(text, 'it does not begin with the name of a registry')
  const [name = '', digest = null, ...more] = plain.slice(slash + 1).split('@')
  const colon = name.indexOf(':')
  const repository = colon === -1 ? name : name.slice(0, colon)
  const tag = colon === -1 ? null : name.slice(colon + 1)
  if (!repositoryPattern.test(repository)) {
    throw wrong(
      text,
      `${JSON.stringify(repository)} is no name of a repository (lower-case letters, digits, . _ - /)`,
    )
  }
  if (tag !== null && !tagPattern.test(tag)) throw wrong(text, `${JSON.stringify(tag)} is no tag`)
  if (more.length > 0 || (digest !== null && !digestPattern.test(digest))) {
    throw wrong(text, 'what follows @ is no sha256: digest')
  }
  return { registry, repository: withLibrary(registry, repository), tag, digest }
}

/** As a person would write it. */
export function referenceText({ registry, repository, tag, digest }: RegistryReference): string {
  return `${registry}/${repository}${tag === null ? '' : `:${tag}`}${digest === null ? '' : `@${digest}`}`
}

/** Docker Hub keeps what has no owner under `library`. */
function withLibrary(registry: string, repository: string): string {
  return registry === 'docker.io' && !repository.includes('/') ? `library/${repository}` : repository
}

function wrong(text: string, what: string): Error {
  return formatsProblems.error('ERR_REGISTRY_REFERENCE', `${text} is no reference into a registry: ${what}`)
}
