/**
 * A registry, as the distribution specification 1.1 has it: pulls manifests and blobs, and pushes an image.
 *
 * Credentials go to the registry's own origin and to the token service that it names, never along a redirect. What is
 * pulled is held against its digest by whoever asked.
 */
import { digestOf } from '../../../core/index.ts'
import { formatLimits } from '../limits.ts'
import type { ImageSource } from '../oci/artifact.ts'
import { mediaTypes, type Descriptor } from '../oci/documents.ts'
import type { ReleaseImage } from '../oci/image.ts'
import { formatsProblems } from '../problems.ts'
import type { HttpAnswer, HttpNeeds } from './http.ts'
import { isLocal } from './proxy.ts'
import { referenceText, type RegistryReference } from './reference.ts'
import { RegistrySession } from './session.ts'

export interface RegistryOptions extends HttpNeeds {
  /** HTTP without TLS also to other machines than this one. */
  readonly plainHttp: boolean
  /** Told of bytes of a blob as they come. */
  readonly onBytes?: (received: number, total: number) => void
}

export interface Registry {
  /** What a reference names, as a source to read an artifact from. */
  image(reference: RegistryReference): ImageSource
  /** Uploads what is not there yet, then the manifest under the tag. @returns its digest */
  push(reference: RegistryReference, image: ReleaseImage): Promise<string>
}

/** Calls throw ERR_REGISTRY_UNREACHABLE, ERR_REGISTRY_AUTH, ERR_REGISTRY_MISSING, ERR_REGISTRY_ANSWER. */
export function createRegistry(options: RegistryOptions): Registry {
  return {
    image: (reference) => imageSource(reference, options),
    async push(reference, image) {
      const session = sessionFor(reference, options, 'pull,push')
      for (const { descriptor, bytes } of image.blobs) await pushBlob(session, descriptor, bytes)
      const path = `manifests/${reference.tag ?? image.tag}`
      const answer = await session.call({
        method: 'PUT',
        path,
        headers: { 'content-type': mediaTypes.manifest },
        body: image.manifest,
        maxBytes: formatLimits.answerBytes,
      })
      expect(answer, [201], session, path)
      return image.descriptor.digest
    },
  }
}

const acceptManifests = [
  mediaTypes.manifest,
  mediaTypes.index,
  mediaTypes.dockerManifest,
  mediaTypes.dockerList,
].join(', ')

function imageSource(reference: RegistryReference, options: RegistryOptions): ImageSource {
  const session = sessionFor(reference, options, 'pull')
  const manifest = async (name: string): Promise<Uint8Array> => {
    const path = `manifests/${name}`
    const headers = { accept: acceptManifests }
    const answer = await session.call({ method: 'GET', path, headers, maxBytes: formatLimits.manifestBytes })
    return expect(answer, [200], session, path).body
  }
  return {
    name: referenceText(reference),
    async root() {
      const bytes = await manifest(reference.digest ?? reference.tag ?? 'latest')
      const actual = `sha256:${digestOf(bytes)}`
      if (reference.digest === null || reference.digest === actual) return bytes
      throw formatsProblems.error(
        'ERR_FORMAT_DIGEST',
        `${session.host} answers with the digest ${actual} where ${reference.digest} was asked for`,
      )
    },
    manifest: ({ digest }) => manifest(digest),
    async blob({ digest, size }) {
      const path = `blobs/${digest}`
      const onBytes = (bytes: number): void => options.onBytes?.(bytes, size)
      const answer = await session.call({ method: 'GET', path, maxBytes: size, onBytes })
      return expect(answer, [200], session, path).body
    },
    close: async () => {},
  }
}

function sessionFor(
  { registry, repository }: RegistryReference,
  options: RegistryOptions,
  actions: 'pull' | 'pull,push',
): RegistrySession {
  const host = registry === 'docker.io' ? 'registry-1.docker.io' : registry
  const isPlain = options.plainHttp || isLocal(new URL(`http://${host}`).hostname)
  const base = new URL(`${isPlain ? 'http' : 'https'}://${host}/v2/${repository}/`)
  return new RegistrySession({ base, registry, repository, actions }, options)
}

async function pushBlob(session: RegistrySession, { digest }: Descriptor, bytes: Uint8Array): Promise<void> {
  const path = `blobs/${digest}`
  const { answerBytes: maxBytes } = formatLimits
  const there = await session.call({ method: 'HEAD', path, maxBytes })
  if (there.status === 200) return
  expect(there, [404], session, path)
  const begun = expect(
    await session.call({ method: 'POST', path: 'blobs/uploads/', maxBytes }),
    [202],
    session,
    path,
  )
  const place = begun.headers.location
  if (place === undefined) throw unexpected(session, 'an upload began without a place for it')
  // What is in the place's own query belongs to the registry's session.
  const target = session.resolve(place)
  target.searchParams.set('digest', digest)
  const headers = { 'content-type': 'application/octet-stream' }
  const done = await session.call({ method: 'PUT', path: target.href, headers, body: bytes, maxBytes })
  expect(done, [201], session, path)
}

/** @throws what the status says, where it is none of these */
function expect(
  answer: HttpAnswer,
  statuses: readonly number[],
  session: RegistrySession,
  path: string,
): HttpAnswer {
  if (statuses.includes(answer.status)) return answer
  const { status } = answer
  const what = `${session.host} answers ${status}${saidBy(answer)} to ${session.repository}/${path}`
  if (status === 401 || status === 403) throw formatsProblems.error('ERR_REGISTRY_AUTH', what)
  if (status === 404) throw formatsProblems.error('ERR_REGISTRY_MISSING', what)
  throw unexpected(session, what)
}

/** The registry's own words, where they are those of the specification; shown to people through `plain`. */
function saidBy({ body }: HttpAnswer): string {
  try {
    const { errors } = JSON.parse(new TextDecoder().decode(body)) as { errors?: { message?: unknown }[] }
    const message = errors?.[0]?.message
    return typeof message === 'string' ? ` (${printable(message)})` : ''
  } catch {
    return ''
  }
}

function printable(text: string): string {
  return text.replace(/[^\x20-\x7e]/g, ' ').slice(0, 200)
}

function unexpected(session: RegistrySession, what: string): Error {
  return formatsProblems.error(
    'ERR_REGISTRY_ANSWER',
    what.startsWith(session.host) ? what : `${session.host}: ${what}`,
  )
}
