/** TLS to the servers of stores, against real ones with certificates made for the test. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '../../../../core/index.ts'
import { keyValueDrivers, type KeyValueStore } from '../../../../host/storage/index.ts'
import {
  hasOpenssl,
  makeCertificates,
  type Certificates,
  type Pair,
} from '../../../contract/servers/certificates.ts'
import { nats } from '../../../contract/servers/nats.ts'
import { redis } from '../../../contract/servers/redis.ts'
import { hasProgram, ServerProcess } from '../../../contract/servers/server-process.ts'

interface Kind {
  readonly driver: string
  readonly program: string
  readonly scheme: string
  recipe(ca: string, pair: Pair, wantsCertificate: boolean): ReturnType<typeof redis>
}

const kinds: readonly Kind[] = [
  {
    driver: 'redis',
    program: 'redis-server',
    scheme: 'rediss',
    recipe: (ca, { certificate, key }, wants) => {
      const plain = redis()
      return {
        program: plain.program,
        args: async (port, folder) => {
          const files = ['--tls-ca-cert-file', ca, '--tls-cert-file', certificate, '--tls-key-file', key]
          const others = await plain.args(port, folder)
          const only = ['--port', '0', '--tls-port', String(port), '--tls-auth-clients', wants ? 'yes' : 'no']
          return [...others, ...only, ...files]
        },
      }
    },
  },
  {
    driver: 'nats',
    program: 'nats-server',
    scheme: 'tls',
    recipe: (ca, { certificate, key }, wants) =>
      nats([
        '--tls',
        '--tlscert',
        certificate,
        '--tlskey',
        key,
        ...(wants ? ['--tlsverify', '--tlscacert', ca] : []),
      ]),
  },
]

const utf8 = (content: string): Uint8Array => new TextEncoder().encode(content)

for (const { driver, program, scheme, recipe } of kinds) {
  const canTest = hasProgram(program) && hasOpenssl
  it.skipIf(canTest)(`leaves TLS to ${program} untested here: install ${program} and openssl`, () => {})

  describe.skipIf(!canTest)(`a store at a ${program} that speaks TLS`, () => {
    let made: Certificates
    const ends: (() => unknown)[] = []
    beforeAll(async () => void (made = await makeCertificates()))
    afterEach(async () => {
      for (const end of ends.splice(0).reverse()) await end()
    })
    afterAll(() => made?.remove())

    async function server(pair: Pair, wantsCertificate = false): Promise<number> {
      const process = await ServerProcess.start(recipe(made.ca, pair, wantsCertificate))
      ends.push(() => process.remove())
      return process.port
    }

    function storeAt(port: number, files: object, host = 'localhost'): KeyValueStore {
      const found = keyValueDrivers.find(({ kind }) => kind === driver)
      if (found === undefined) throw new Error(`there is no driver ${driver}`)
      const options = { url: `${scheme}://${host}:${port}`, replicas: 1, ...files }
      const context = { clock: systemClock } as unknown as Parameters<typeof found.open>[1]
      const backend = found.open(options, context)
      ends.push(() => backend.close())
      return backend.store('app')
    }

    const outcome = (port: number, files: object, host?: string): Promise<string> =>
      storeAt(port, files, host)
        .set('bucket', 'key', utf8('value'))
        .then(
          () => 'set',
          (error: unknown) => `${(error as { code: string }).code}: ${(error as Error).message}`,
        )

    it('is used with the CA that its table names, and with no other', async () => {
      const port = await server(made.server)
      const { ca, otherCa } = made
      const store = storeAt(port, { ca })
      await store.set('bucket', 'key', utf8('value'))
      expect((await store.get('bucket', 'key'))?.value).toEqual(utf8('value'))
      expect(await outcome(port, {})).toMatch(/^ERR_STORAGE_FAILED: .*signed by nobody whom this node trusts/)
      expect(await outcome(port, { ca: otherCa })).toMatch(/^ERR_STORAGE_FAILED: .*certificate/)
      expect(await outcome(port, { ca: `${ca}.gone` })).toMatch(
        /^ERR_STORAGE_FAILED: .*there is no such file/,
      )
    })

    it('is refused where its certificate has ended or is for another name', async () => {
      const [ended, other] = await Promise.all([server(made.expired), server(made.elsewhere)])
      const { ca } = made
      expect(await outcome(ended, { ca })).toMatch(/its certificate has ended/)
      expect(await outcome(other, { ca })).toMatch(
        /its certificate is for DNS:broker\.example, and not for localhost/,
      )
    })

    it('is known by its address where that is what its table and its certificate name', async () => {
      const [named, unnamed] = await Promise.all([server(made.address), server(made.elsewhere)])
      const { ca } = made
      expect(await outcome(named, { ca }, '127.0.0.1')).toBe('set')
      expect(await outcome(unnamed, { ca }, '127.0.0.1')).toMatch(/and not for 127\.0\.0\.1/)
    })

    it('is held against its CA also where the environment would have any certificate taken', async () => {
      const port = await server(made.server)
      const name = 'NODE_TLS_REJECT_UNAUTHORIZED'
      const before = process.env[name]
      ends.push(() => (before === undefined ? delete process.env[name] : (process.env[name] = before)))
      process.env[name] = '0'
      expect(await outcome(port, {})).toMatch(/signed by nobody whom this node trusts/)
    })

    it('is shown the node’s own certificate where it wants one', async () => {
      const port = await server(made.server, true)
      const { ca, client } = made
      expect(await outcome(port, { ca, ...client })).toBe('set')
      expect(await outcome(port, { ca })).toMatch(
        /^ERR_STORAGE_FAILED: .*it (wants a certificate of this node|refuses)/,
      )
      expect(await outcome(port, { ca, certificate: client.certificate })).toMatch(/named and no key/)
    })
  })
}
