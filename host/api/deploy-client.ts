/**
 * The build job's side of publishing over TCP: the client of the control API, with every request signed by the job's key.
 *
 * Whoever stands between job and node could not publish, but tell the job a false number to sign. So over plain HTTP only
 * this machine is spoken to, as behind `ssh -L`; everybody else by TLS.
 */
import { request as httpRequest, type RequestOptions } from 'node:http'
import { digestOf, isDigest, shortDigest, type Digest, type KeyPair } from '../../core/index.ts'
import { call, type Target } from './call.ts'
import { clientOf, type ControlClient } from './client.ts'
import { routes } from './contract.ts'
import { signDeployRequest, type DeployGreeting } from './deploy-request.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'

const noncePattern = /^[0-9a-f]{64}$/
const loopback = /^(?:localhost|127(?:\.\d{1,3}){3}|\[::1\])$/

interface DeployOptions {
  /** `https://HOST[:PORT][/PATH]`, or `http://` on this machine. */
  readonly url: string
  /** Of a publisher of `mesh`. */
  readonly key: KeyPair
  readonly mesh: Digest
}

/**
 * A client for the address that a node was given with `--deploy`. It can publish, and see what runs; other calls are
 * refused by the node.
 * @throws ERR_NODE_URL; calls throw ERR_NODE_UNREACHABLE, ERR_DEPLOY_KEY and what the node answers
 */
export async function connectToDeploy({ url, key, mesh }: DeployOptions): Promise<ControlClient> {
  const base = nodeUrl(url)
  // Other commands need no TLS, and loading it takes its time.
  const request = base.protocol === 'https:' ? (await import('node:https')).request : httpRequest
  const bare: Target = {
    where: base.origin,
    answerMs: apiLimits.answerMs,
    request: (options) => request(placed(base, options)),
    explain: (error) => unreachable(base, error),
  }
  let greeting: Promise<DeployGreeting> | null = null
  const greet = async (): Promise<DeployGreeting> => {
    const { mesh: of, nonce } = await call<Partial<DeployGreeting>>(bare, routes.deploy)
    if (!isDigest(of) || typeof nonce !== 'string' || !noncePattern.test(nonce)) {
      throw apiProblems.error('ERR_API_ANSWER', `${base.origin} does not answer as a node does`)
    }
    if (of === mesh) return { mesh, nonce }
    throw apiProblems.error(
      'ERR_DEPLOY_KEY',
      `the key is of mesh ${shortDigest(mesh)}, the node at ${base.origin} of mesh ${shortDigest(of)}`,
    )
  }
  const signing: Target = {
    ...bare,
    async authorize(method, path, body) {
      // One that failed is asked for again.
      greeting ??= greet().catch((error: unknown) => {
        greeting = null
        throw error
      })
      const request = { ...(await greeting), method, path, body: digestOf(body) }
      return { authorization: signDeployRequest(request, key) }
    },
    // A node makes a new number when it starts: what was signed for the one before is refused.
    async renew() {
      const before = greeting
      const fresh = await greet()
      greeting = Promise.resolve(fresh)
      return (await before?.catch(() => null))?.nonce !== fresh.nonce
    },
  }
  return { socketPath: base.origin, ...clientOf(signing) }
}

function placed({ hostname, port, pathname }: URL, options: RequestOptions): RequestOptions {
  const host = hostname.replace(/^\[|\]$/g, '')
  // A proxy that answers under a path of its own takes it away again.
  const path = pathname.replace(/\/$/, '') + (options.path ?? '')
  return { ...options, host, path, ...(port === '' ? {} : { port }) }
}

/** @throws ERR_NODE_URL */
function nodeUrl(text: string): URL {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw apiProblems.error('ERR_NODE_URL', `${text.slice(0, 200)} is no URL`, { cause })
  }
  if (
    !['http:', 'https:'].includes(url.protocol) ||
    url.username !== '' ||
    url.search !== '' ||
    url.hash !== ''
  ) {
    throw apiProblems.error(
      'ERR_NODE_URL',
      `${url.protocol}//${url.host} is given as something else than http(s)://HOST`,
    )
  }
  if (url.protocol === 'https:' || loopback.test(url.hostname)) return url
  throw apiProblems.error(
    'ERR_NODE_URL',
    `${url.origin} is another machine, and without TLS anybody between could answer`,
    {
      hint: `reach it by TLS, through a proxy before it, or by \`ssh -L ${url.port || '80'}:127.0.0.1:${url.port || '80'} HOST\``,
    },
  )
}

function unreachable({ origin }: URL, error: NodeJS.ErrnoException): Error | null {
  if (error.code === undefined || error.code === 'ECONNRESET' || error.code === 'EPIPE') return null
  if (error.code.startsWith('ERR_') && !error.code.startsWith('ERR_TLS')) return null
  return apiProblems.error('ERR_NODE_UNREACHABLE', `no node answers at ${origin} (${error.code})`, {
    cause: error,
  })
}
