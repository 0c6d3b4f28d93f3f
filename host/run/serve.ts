/** One file behind HTTP on this machine: every address is its own. */
import { isSelvedgeError, silentLog, systemClock } from '../../core/index.ts'
import type { ComponentFacts, Sandbox } from '../engine/index.ts'
import {
  componentIngress,
  defaultHttpLimits,
  HttpServer,
  recordIngress,
  type Ingress,
  pooledIngress,
} from '../http/index.ts'
import type { RunRequest } from './contract.ts'
import { openLocalApp } from './local-app.ts'
import { runProblems } from './problems.ts'
import { ToldFailures } from './told-failures.ts'

export interface ServeRequest extends RunRequest {
  /** Absolute, of `file`. */
  readonly path: string
  /** `HOST:PORT`; port 0 is any free one. */
  readonly address: string
  /** Most instances at once. */
  readonly instances: number
  /** What a code means in general, for the bodies of errors. */
  textOf(code: string): string
}

export interface ServedApp {
  /** `http://127.0.0.1:8080/` */
  readonly url: string
  /** Rejects when its instances die too often to go on; otherwise resolves when it was stopped. */
  readonly stopped: Promise<void>
  stop(): Promise<void>
}

/** @throws what `openLocalApp` throws; ERR_RUN_OPTION, ERR_NOT_A_SERVER, ERR_HTTP_LISTEN */
export async function serveApp(request: ServeRequest): Promise<ServedApp> {
  const { host, port } = readAddress(request.address)
  const app = await openLocalApp(request, request.path, [])
  try {
    const ingressOf = ingressFor(app.prepared.facts, request.file)
    const output = (_: string, line: string): void => request.tell(line)
    const pool = await app.engine.open({ ...app.start, output }, { min: 1, max: request.instances })
    const ingress = telling(pooledIngress(pool, ingressOf), request)
    const server = new HttpServer({
      host,
      port,
      hosts: new Map(),
      only: app.start.app,
      ingressOf: () => ingress,
      textOf: (code) => request.textOf(code),
      clock: systemClock,
      log: silentLog,
    })
    await server.start()
    const stop = async (): Promise<void> => {
      await server.stop()
      await app.close()
    }
    const stopped = pool.ended.then(async (incident) => {
      if (incident.reason === 'stopped') return
      await stop()
      const message = `${request.file} does not stay up: ${incident.message}`
      throw runProblems.error('ERR_SERVED_APP_ENDED', message)
    })
    stopped.catch(() => {})
    return { url: urlOf(server.address ?? { host, port }), stopped, stop }
  } catch (error) {
    await app.close()
    throw error
  }
}

/** @throws ERR_NOT_A_SERVER */
function ingressFor({ exports }: ComponentFacts, file: string): (sandbox: Sandbox) => Ingress {
  if (exports.some((name) => /^wasi:http\/(incoming-handler@|handler@0\.3\.)/.test(name)))
    return (sandbox) => componentIngress(file, sandbox)
  if (exports.some((name) => name.startsWith('selvedge:edge/http-handler@')))
    return (sandbox) => recordIngress(file, sandbox, defaultHttpLimits.recordBodyBytes)
  const has = exports.length === 0 ? 'it exports nothing' : `it exports ${exports.slice(0, 8).join(', ')}`
  const handlers = 'wasi:http/incoming-handler, wasi:http/handler (0.3) or selvedge:edge/http-handler'
  const message = `${file} exports none of ${handlers}; ${has}`
  const isCommand = exports.some((name) => name.startsWith('wasi:cli/run@'))
  throw runProblems.error(
    'ERR_NOT_A_SERVER',
    message,
    isCommand ? { hint: `it is a command: start it with \`selvedge run ${file}\`` } : {},
  )
}

/** What a client sees as a code and a sentence, whoever runs the program sees whole. */
function telling(ingress: Ingress, { tell }: RunRequest): Ingress {
  const told = new ToldFailures(systemClock, tell)
  return {
    async handle(request) {
      try {
        return await ingress.handle(request)
      } catch (error) {
        // Whoever went away asks for no answer, and a crowd that does would fill the log.
        if (isSelvedgeError(error) && error.code !== 'ERR_HTTP_CLIENT_GONE')
          told.failed(error.code, `${request.method} ${request.path}: ${error.code}: ${error.message}`)
        throw error
      }
    },
    unsendable(error) {
      if (isSelvedgeError(error)) told.failed(error.code, `${error.code}: ${error.message}`)
    },
  }
}

/** @throws ERR_RUN_OPTION */
function readAddress(text: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text)
  const [, bracketed, plain, digits] = match ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host !== undefined && port <= 65_535) return { host, port }
  throw runProblems.error('ERR_RUN_OPTION', `--addr ${JSON.stringify(text.slice(0, 200))} is no address`, {
    hint: 'write HOST:PORT, as 127.0.0.1:8080 or [::]:8080; port 0 is any free one',
  })
}

function urlOf({ host, port }: { readonly host: string; readonly port: number }): string {
  return `http://${host.includes(':') ? `[${host}]` : host}:${port}/`
}
