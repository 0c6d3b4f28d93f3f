/** An HTTP server with real guests behind it, each under its own name. */
import { silentLog, systemClock } from '../../../core/index.ts'
import type { Sandbox } from '../../../host/engine/index.ts'
import { componentIngress, HttpServer, type Ingress } from '../../../host/http/index.ts'
import {
  bindInterfaces,
  grantedInterfaces,
  grantedNames,
  interfaceOffers,
} from '../../../host/interfaces/index.ts'
import type { GuestName } from '../../guests/index.ts'
import { makeEngine, requestFor } from '../engine/kit.ts'
import { appContext } from '../interfaces/app-context.ts'

export class HttpGuests {
  readonly #engine = makeEngine()
  readonly #sandboxes: Sandbox[] = []
  readonly #apps = new Map<string, Ingress>()
  /** What the guests logged. */
  readonly lines: string[] = []
  readonly server = new HttpServer({
    host: '127.0.0.1',
    port: 0,
    hosts: new Map(),
    ingressOf: (app) => this.ingressOf(app),
    textOf: (code) => code,
    clock: systemClock,
    log: silentLog,
    limits: { stopMs: 100 },
  })

  async start(name: GuestName, grants: readonly string[] = []): Promise<void> {
    const prepared = await this.#engine.prepare(
      await requestFor(name, {
        granted: grantedInterfaces(grants),
        offered: interfaceOffers,
        requiredExports: ['wasi:http/incoming-handler@0.2.12'],
      }),
    )
    const origins = new Set(grantedNames(grants, 'http'))
    const log = (_level: unknown, _context: unknown, message: string): void => void this.lines.push(message)
    const imports = bindInterfaces(grants, appContext({ origins, log }))
    const sandbox = await this.#engine.start({
      app: name,
      prepared,
      imports,
      // One of them answers for as long as somebody reads, which may be long on a busy machine.
      deadlineMs: 60_000,
      memoryBytes: 4 * 1024 * 1024,
    })
    this.#sandboxes.push(sandbox)
    this.#apps.set(name, componentIngress(name, sandbox))
  }

  ingressOf(app: string): Ingress | null {
    return this.#apps.get(app) ?? null
  }

  async stop(): Promise<void> {
    await this.server.stop()
    await Promise.all(this.#sandboxes.map((sandbox) => sandbox.stop()))
    await this.#engine.stop()
  }
}
