/** One repository of a registry, and what it takes to be let in: asks without, then with what the registry wants. */
import { formatLimits } from '../limits.ts'
import { formatsProblems } from '../problems.ts'
import { readChallenges, type Challenge } from './challenge.ts'
import { credentialsFor, type Credentials } from './credentials.ts'
import { send, type HttpAnswer, type HttpCall, type HttpNeeds } from './http.ts'
import { isLocal } from './proxy.ts'

export interface SessionTarget {
  /** `https://HOST/v2/REPOSITORY/` */
  readonly base: URL
  /** As a person writes it: what credentials are kept under. */
  readonly registry: string
  readonly repository: string
  readonly actions: 'pull' | 'pull,push'
}

export interface SessionCall extends Omit<HttpCall, 'url'> {
  /** Below the repository, or a whole address that the registry gave. */
  readonly path: string
}

const redirectStatuses = [301, 302, 303, 307, 308]

export class RegistrySession {
  readonly base: URL
  readonly host: string
  readonly repository: string
  readonly #target: SessionTarget
  readonly #needs: HttpNeeds
  #authorization: string | null = null

  constructor(target: SessionTarget, needs: HttpNeeds) {
    this.base = target.base
    this.host = target.base.host
    this.repository = target.repository
    this.#target = target
    this.#needs = needs
  }

  /** @returns whatever the registry answers in the end. @throws ERR_REGISTRY_AUTH, ERR_REGISTRY_ANSWER and what `send` throws */
  async call(call: SessionCall): Promise<HttpAnswer> {
    const first = await this.#follow(call)
    // Also where there was one: tokens are short-lived, and large components take their time.
    if (first.status !== 401) return first
    const authorization = await this.#authorize(
      readChallenges(String(first.headers['www-authenticate'] ?? '')),
    )
    if (authorization === null) return first
    this.#authorization = authorization
    return this.#follow(call)
  }

  async #follow({ path, ...call }: SessionCall): Promise<HttpAnswer> {
    let url = new URL(path, this.base)
    for (let hops = 0; hops <= formatLimits.redirects; hops++) {
      const isHome = url.origin === this.base.origin
      const headers = {
        ...call.headers,
        ...(isHome && this.#authorization !== null ? { authorization: this.#authorization } : {}),
      }
      const answer = await send({ ...call, url, headers }, this.#needs)
      const { location } = answer.headers
      // Only what is read may lie elsewhere: nothing is uploaded to where a registry points on the way.
      if (!redirectStatuses.includes(answer.status) || call.method !== 'GET' || location === undefined)
        return answer
      url = this.resolve(location, url)
    }
    throw formatsProblems.error(
      'ERR_REGISTRY_ANSWER',
      `${this.host} redirects more than ${formatLimits.redirects} times`,
    )
  }

  /** An address that the registry gave. @throws ERR_REGISTRY_ANSWER where it leads from HTTPS to anything else */
  resolve(location: string, from: URL = this.base): URL {
    const next = URL.canParse(location, from) ? new URL(location, from) : null
    const isSafe = next?.protocol === 'https:' || (next?.protocol === 'http:' && from.protocol === 'http:')
    if (next !== null && isSafe) return next
    throw formatsProblems.error('ERR_REGISTRY_ANSWER', `${this.host} sends us to an address that is not safe`)
  }

  /** @returns the header, or null where the registry asks for nothing that can be given */
  async #authorize(challenges: readonly Challenge[]): Promise<string | null> {
    const credentials = await credentialsFor(this.#target.registry, this.#needs.env)
    const bearer = challenges.find(({ scheme }) => scheme === 'bearer')
    if (bearer !== undefined) return `Bearer ${await this.#token(bearer, credentials)}`
    const isBasic = challenges.some(({ scheme }) => scheme === 'basic')
    if (!isBasic || credentials === null) return null
    return basic(credentials)
  }

  /** The token service of the registry (distribution: docs/spec/auth/token.md). */
  async #token({ parameters }: Challenge, credentials: Credentials | null): Promise<string> {
    const realm = URL.canParse(parameters['realm'] ?? '') ? new URL(parameters['realm'] ?? '') : null
    const isSafe =
      realm?.protocol === 'https:' ||
      (realm?.protocol === 'http:' && (this.base.protocol === 'http:' || isLocal(realm.hostname)))
    if (realm === null || !isSafe) {
      throw formatsProblems.error('ERR_REGISTRY_ANSWER', `${this.host} names no safe address to log in at`)
    }
    if (parameters['service'] !== undefined) realm.searchParams.set('service', parameters['service'])
    const { repository, actions } = this.#target
    realm.searchParams.set('scope', `repository:${repository}:${actions}`)
    const headers: Record<string, string> = credentials === null ? {} : { authorization: basic(credentials) }
    const answer = await send(
      { method: 'GET', url: realm, headers, maxBytes: formatLimits.answerBytes },
      this.#needs,
    )
    const token = answer.status === 200 ? tokenOf(answer.body) : null
    if (token !== null) return token
    const who = credentials === null ? 'somebody unknown' : credentials.user
    throw formatsProblems.error(
      'ERR_REGISTRY_AUTH',
      `${realm.host} gives ${who} no token for ${repository} (answer ${answer.status})`,
    )
  }
}

function basic({ user, password }: Credentials): string {
  return `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
}

function tokenOf(body: Uint8Array): string | null {
  try {
    const value = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown> | null
    const token = value?.['token'] ?? value?.['access_token']
    // It becomes a header.
    return typeof token === 'string' && /^[\x21-\x7e]+$/.test(token) ? token : null
  } catch {
    return null
  }
}
