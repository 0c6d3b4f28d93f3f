/**
 * Publishing over TCP, for build jobs that run elsewhere: a few of the control API's requests, each signed with the key of
 * somebody who may publish in this mesh. There is no token: the job has one secret, and its key can be revoked.
 *
 * A page in somebody's browser has no such key, so the Host field decides nothing here. TLS is for a proxy before it.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import {
  messageOf,
  type Clock,
  type Digest,
  type Log,
  type Part,
  type Random,
  type SelvedgeError,
} from '../../core/index.ts'
import { answerError, answerJson } from './answer.ts'
import { routes } from './contract.ts'
import { readDeployRequest, type DeployGreeting } from './deploy-request.ts'
import { apiLimits } from './limits.ts'
import { apiProblems } from './problems.ts'
import type { ControlServer } from './server.ts'

/** What publishing takes, and watching where it runs. */
const deployRoutes: ReadonlySet<string> = new Set([
  routes.status,
  routes.apps,
  routes.releases,
  routes.publishContext,
  routes.upload,
  routes.publish,
])

interface DeployServerNeeds {
  readonly control: Pick<ControlServer, 'answer'>
  readonly mesh: Digest
  /** Whether this key may publish anything now. */
  mayPublish(key: Uint8Array): boolean
  /** A request that may not be made; `from` is the address it came from. */
  refused(error: SelvedgeError, from: string): void
  readonly host: string
  /** 0 is any free one. */
  readonly port: number
  readonly random: Random
  readonly clock: Clock
  readonly log: Log
}

export class DeployServer implements Part {
  readonly name = 'publishing over HTTP'
  readonly #needs: DeployServerNeeds
  readonly #greeting: DeployGreeting
  readonly #server: Server

  constructor(needs: DeployServerNeeds) {
    this.#needs = needs
    this.#greeting = { mesh: needs.mesh, nonce: Buffer.from(needs.random.bytes(32)).toString('hex') }
    this.#server = createServer(
      { maxHeaderSize: apiLimits.deployHeadBytes },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = apiLimits.deployConnections
    this.#server.headersTimeout = apiLimits.answerMs
    this.#server.requestTimeout = apiLimits.uploadMs
  }

  /** null before it listens. */
  get address(): { readonly host: string; readonly port: number } | null {
    const address = this.#server.address() as AddressInfo | null
    return address === null ? null : { host: address.address, port: address.port }
  }

  /** @throws ERR_DEPLOY_LISTEN */
  async start(): Promise<void> {
    if (this.#server.listening) return
    const { host, port } = this.#needs
    await new Promise<void>((resolve, reject) => {
      const onError = (cause: NodeJS.ErrnoException): void => {
        const message = `cannot listen for build jobs on ${host}:${port} (${cause.code ?? messageOf(cause)})`
        reject(apiProblems.error('ERR_DEPLOY_LISTEN', message, { cause }))
      }
      this.#server.once('error', onError)
      this.#server.listen(port, host, () => {
        this.#server.off('error', onError)
        resolve()
      })
    })
  }

  async stop(): Promise<void> {
    if (!this.#server.listening) return
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()))
    this.#server.closeIdleConnections()
    const cancel = this.#needs.clock.after(apiLimits.drainMs, () => this.#server.closeAllConnections())
    await closed
    cancel()
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    response.on('error', () => {})
    request.on('error', () => {})
    const { method = '', url: path = '' } = request
    const route = `${method} ${path.replace(/\?.*$/s, '')}`
    if (route === routes.deploy) return answerJson(response, this.#greeting)
    const { control, clock, log } = this.#needs
    // Before a byte of the body is read: it may have 64 MiB.
    const proof = readDeployRequest(request.headers.authorization, { ...this.#greeting, method, path })
    if (proof === null || !this.#needs.mayPublish(proof.key)) {
      const why =
        proof === null
          ? 'the request is not signed for this node as it runs now'
          : `the key ${Buffer.from(proof.key).toString('hex', 0, 8)} may publish nothing in this mesh`
      log.debug('deploy:refused', { route, why })
      const error = answerError(request, response, apiProblems.error('ERR_DEPLOY_KEY', why), clock)
      this.#needs.refused(error, request.socket.remoteAddress ?? 'nobody')
      return
    }
    if (!deployRoutes.has(route)) {
      const error = apiProblems.error(
        'ERR_API_ROUTE',
        `${route} is not answered at the address for build jobs`,
      )
      answerError(request, response, error, clock)
      return
    }
    await control.answer(request, response, proof.body)
  }
}
